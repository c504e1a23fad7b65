"""Redaction, paths, terminal output and bounded reading of untrusted files."""
