"""When something counts as hung: what a busy machine merely slows down has to be done long before."""

HANG = 600.0
"""Seconds."""
