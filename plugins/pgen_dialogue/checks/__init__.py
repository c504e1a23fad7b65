"""Checks of dialogues."""
