"""Recover the intact rows of a damaged journal."""
