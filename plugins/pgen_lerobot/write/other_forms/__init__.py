"""Further forms of the output, for trainers that read other things: each adds to what the sink `lerobot` wrote."""
