"""Skill spans, and the dialogue of each frame."""
