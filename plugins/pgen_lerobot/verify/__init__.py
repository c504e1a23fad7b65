"""Verify datasets that pgen wrote."""

from pgen_lerobot.verify.expected_labels import misfit
from pgen_lerobot.verify.grouping import lines
from pgen_lerobot.verify.skills_files import differing_episodes, reads_own
from pgen_lerobot.verify.verify import verify

__all__ = ["differing_episodes", "lines", "misfit", "reads_own", "verify"]
