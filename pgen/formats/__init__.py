"""Schemas and the lines of syn_annotations.jsonl."""
