"""What the benchmarks share: datasets, a server, processes that are measured, and how figures are told."""
