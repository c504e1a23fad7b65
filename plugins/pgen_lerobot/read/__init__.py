"""Read LeRobot datasets: source, images, dialogue of frames."""
