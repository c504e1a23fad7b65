"""The parts of the sink: shards, tasks and metadata written anew, everything else carried over."""
