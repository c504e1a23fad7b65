"""Episodes and images of rendered datasets, their metadata, and brute-force statistics."""

import io
import json
from statistics import fmean, pstdev

import numpy as np
from click.testing import CliRunner
from PIL import Image, ImageStat

from pgen.cli import cli
from pgen.run.planning import samples_of
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_samplers.samplers import EveryFrame

TOP = "observation.images.top"
WRIST = "observation.images.wrist"
STATS = ("min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99")


def opened(root, **options):
    """The source of a dataset, open, and its episodes."""
    source = LeRobotSource(root=root, **{"skills": "task", **options})
    source.open()
    return source, list(source.episodes())


def mean_colours(source, episodes):
    """The mean colour of every image of every frame."""
    samples = [sample for episode in episodes for sample in samples_of(episode, source, EveryFrame())]
    with source.reader(10**6) as reader:
        images = [image for sample in samples for image in reader.images(sample)]
    return [ImageStat.Stat(Image.open(io.BytesIO(image.jpeg))).mean for image in images]


def edit_json(path, change):
    """Change a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def episodes_file(root):
    """The first file of meta/episodes."""
    return next((root / "meta/episodes").glob("*/*.parquet"))


def stats_of(values):
    """LeRobot's statistics of integers, computed from the values."""
    stats = {"min": min(values), "max": max(values), "mean": fmean(values), "std": pstdev(values), "count": len(values)}
    return stats | {f"q{q:02d}": float(np.quantile(values, q / 100)) for q in (1, 10, 50, 90, 99)}


def annotated(root, out, *options):
    """Annotate a dataset by `template`, with its tasks as skills; what the command printed."""
    command = ["annotate", "--root", str(root), "--output-dir", str(out), "--generator", "template", "--skills", "task"]
    result = CliRunner().invoke(cli, [*command, *options])
    assert result.exit_code == 0, result.output
    return result.output


def problems_of(out):
    """The problems that `verify` finds without lerobot."""
    return [str(problem) for problem in verify(out, with_lerobot=False).problems]
