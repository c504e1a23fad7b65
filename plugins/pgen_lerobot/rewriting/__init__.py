"""Write a dataset again, in the place of its own files or as a new one: for `repair` and plugins that change it."""

from pgen_lerobot.rewriting.originals import AnnotatedEpisode, Original, match
from pgen_lerobot.rewriting.rewrite import check_forms, check_replaceable, counts_entry, rewrite

__all__ = ["AnnotatedEpisode", "Original", "check_forms", "check_replaceable", "counts_entry", "match", "rewrite"]
