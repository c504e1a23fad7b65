"""The parts of `verify`: each gives the problems of one aspect of a dataset."""
