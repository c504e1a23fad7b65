"""Journal, working folder, locks and durable files."""
