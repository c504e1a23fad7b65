"""Shared parts of the benchmarks: datasets, a server, measured processes, and tables of results."""
