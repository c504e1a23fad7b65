"""The generator `template`."""
