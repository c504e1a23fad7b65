"""Recovery of damaged journals and of those of former versions."""
