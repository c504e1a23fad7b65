"""Images and clips as they are sent to a model."""
