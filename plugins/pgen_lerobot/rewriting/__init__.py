"""Write a dataset again in the place of its own files: what `repair` and plugins that change annotations share."""

from pgen_lerobot.rewriting.originals import AnnotatedEpisode, Original, match
from pgen_lerobot.rewriting.rewrite import check_forms, counts_entry, rewrite

__all__ = ["AnnotatedEpisode", "Original", "check_forms", "counts_entry", "match", "rewrite"]
