"""The segmenter `hybrid`: boundaries from the motion, names from a model."""
