"""Spans of a segmentation: parsing, normalization, scoring."""
