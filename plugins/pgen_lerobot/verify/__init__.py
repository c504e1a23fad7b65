"""Verify datasets that pgen wrote."""

from pgen_lerobot.verify.expected_labels import misfit, source_options
from pgen_lerobot.verify.verify import verify

__all__ = ["misfit", "source_options", "verify"]
