"""Verify datasets that pgen wrote."""

from pgen_lerobot.verify.expected_labels import LINES, misfit, source_options
from pgen_lerobot.verify.verify import verify

__all__ = ["LINES", "misfit", "source_options", "verify"]
