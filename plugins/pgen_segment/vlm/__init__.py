"""Segmentation by a vision-language model."""
