"""Repair of outputs that LeRobot's tools have changed."""
