"""Verify datasets that pgen wrote."""

from pgen_lerobot.verify.expected_labels import misfit
from pgen_lerobot.verify.grouping import lines
from pgen_lerobot.verify.verify import verify

__all__ = ["lines", "misfit", "verify"]
