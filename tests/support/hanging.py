"""The time after which something hangs: long after a busy machine would be done."""

HANG = 240.0
"""Seconds."""
