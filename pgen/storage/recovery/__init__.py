"""Recover the intact rows of a damaged journal, or of one of an earlier format."""
