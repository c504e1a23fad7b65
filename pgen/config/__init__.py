"""Configuration of a run: its options, run files, and the assembly of its components."""
