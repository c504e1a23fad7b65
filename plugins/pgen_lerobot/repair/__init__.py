"""Repair outputs that LeRobot's tools have changed."""

from pgen_lerobot.repair.repair import repair

__all__ = ["repair"]
