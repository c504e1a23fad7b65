"""The segmenter `phases`: a model groups the skills of episodes whose labels the rule cannot read."""
