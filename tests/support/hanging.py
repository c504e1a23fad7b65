"""The time after which something hangs: long after a busy machine would be done."""

HANG = 600.0
"""Seconds."""
