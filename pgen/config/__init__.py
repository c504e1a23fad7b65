"""Configuration: options of a run, run files, assembly of components."""
