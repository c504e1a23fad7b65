"""File formats: the JSON Schemas, the lines of syn_annotations.jsonl, and Git LFS pointers."""
