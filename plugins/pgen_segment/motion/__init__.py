"""Segmentation by motion."""
