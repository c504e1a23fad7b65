"""Asking a model about episodes: what it is shown, the wording, and answers that are kept."""
