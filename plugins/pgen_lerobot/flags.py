"""The flags of the source and the sinks of LeRobot datasets."""

from pgen.hookspecs import Flag

FLAGS = (
    Flag("--repo-id", "source.repo_id", "The dataset's Hub id, where no --root is given.", "input", metavar="ID"),
    Flag("--revision", "source.revision", "Branch, tag or commit on the Hub.", "input"),
    Flag("--episodes", "source.episodes", "Episodes, such as 0-9,12.  [default: all]", "input", metavar="RANGES"),
    Flag(
        "--camera",
        "source.cameras",
        "A camera to show; repeatable.  [default: all]",
        "input",
        metavar="KEY",
        multiple=True,
    ),
    Flag(
        "--num-image-views-per-sample",
        "source.views",
        "The maximum number of cameras per sample.",
        "input",
        type=int,
        metavar="N",
    ),
    Flag(
        "--skills",
        "source.skills",
        "auto, task, another format by name, or a file.  [default: auto]",
        "input",
        metavar="WHERE",
    ),
    Flag("--overwrite", "sink.overwrite", "Replace dialogue that the dataset already has.", "output", type=bool),
    Flag(
        "--unlabelled",
        "sink.unlabelled",
        "The label of a frame without dialogue.  [default: task]",
        "output",
        metavar="task|-1",
    ),
    Flag(
        "--copy-videos",
        "sink.copy_videos",
        "Copy the videos instead of sharing them with the input.",
        "output",
        type=bool,
    ),
)
