"""The dialogue of each frame of a dataset that pgen wrote: `pgen.open` and `pgen.LeRobotDialogueDataset`.

Only the labels (eight bytes a frame) and one row for each distinct text are held.
"""

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.errors import InputError
from pgen_lerobot.format import COLUMN, TASK_ROWS, Dataset, TaskRow, read_task_rows, runs, to_array


@dataclass(frozen=True, slots=True)
class FrameDialogue:
    """A frame's dialogue. `task_index` is its row in the task table.

    A frame without a dialogue has its own task as `user_prompt`, and "" as `robot_utterance`. The skill and the
    types are None where they are unknown, or differ between the samples with the same words.
    """

    user_prompt: str
    robot_utterance: str
    skill: str | None
    scenario_type: str | None
    response_type: str | None
    task_index: int


class Texts:
    """The dialogue of each row of the task table: `texts[task_index]`."""

    def __init__(self, dataset: Dataset) -> None:
        rows = read_task_rows(dataset.root / TASK_ROWS)
        if not rows:
            raise InputError(
                f"{dataset.root / TASK_ROWS} is missing or of another form; run `pgen annotate` on the dataset."
            )
        self._rows = [(text, rows.get(text, TaskRow(text, ""))) for text in dataset.tasks.texts]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, task_index: int) -> FrameDialogue:
        """Raises IndexError for a row that does not exist; -1 is none."""
        if not 0 <= task_index < len(self):
            raise IndexError(f"there is no task {task_index}; the table has {len(self)}")
        text, row = self._rows[task_index]
        types = (row.skill or None, row.scenario_type or None, row.response_type or None)
        return FrameDialogue(row.user_prompt or text, row.robot_utterance or "", *types, task_index)


class Dialogues:
    """Dialogues by frame: `dialogues[row]`, or `dialogues.at(episode_index, frame_index)`."""

    def __init__(self, root: str | Path) -> None:
        dataset = Dataset(Path(root))
        self.texts = Texts(dataset)
        self._labels: array[int] = array("q")
        self._episodes: dict[int, range] = {}
        """The rows of each episode."""
        for name in dataset.data_files:
            self._read(dataset, name)

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._labels)

    def __getitem__(self, row: int) -> FrameDialogue:
        """Return the dialogue of the frame in a row of the whole dataset, from 0. Raises IndexError."""
        if not 0 <= row < len(self):
            raise IndexError(f"there is no frame {row}; the dataset has {len(self)}")
        return self.texts[self._labels[row]]

    def at(self, episode_index: int, frame_index: int) -> FrameDialogue:
        """Return the dialogue of an episode's frame, by its position in the episode. Raises IndexError."""
        rows = self._episodes.get(episode_index)
        if rows is None:
            raise IndexError(f"there is no episode {episode_index}")
        if not 0 <= frame_index < len(rows):
            raise IndexError(f"episode {episode_index} has no frame {frame_index}; it has {len(rows)}")
        return self[rows[frame_index]]

    def _read(self, dataset: Dataset, name: str) -> None:
        with dataset.shard(name) as shard:
            if COLUMN not in shard.schema_arrow.names:
                raise InputError(f"{dataset.root / name} has no column {COLUMN}; run `pgen annotate` on the dataset.")
            table = shard.read(columns=["episode_index", "task_index", COLUMN])
        labels = to_array("q", table.column(COLUMN).cast(pa.int64()))
        if -1 in labels:
            own = to_array("q", table.column("task_index").cast(pa.int64()))
            labels = array("q", (label if label >= 0 else task for label, task in zip(labels, own, strict=True)))
        before = len(self._labels)
        for start, stop, episode in runs(table.column("episode_index")):
            first = self._episodes[episode].start if episode in self._episodes else before + start
            self._episodes[episode] = range(first, before + stop)
        self._labels += labels


def open(root: str | Path) -> Dialogues:
    """Return the dialogues of the dataset at `root`, which pgen wrote. Raises InputError for any other."""
    return Dialogues(root)


class LeRobotDialogueDataset:
    """A map-style dataset: an item of lerobot's dataset, and `user_prompt` and `robot_utterance`, both str.

    Takes the arguments of `LeRobotDataset`; its other attributes are available here and under `dataset`.
    A frame without a dialogue has its task as `user_prompt` and "" as `robot_utterance`. Raises InputError where
    pgen did not write the dataset, ImportError where lerobot is not installed.
    """

    def __init__(self, repo_id: str, root: str | Path | None = None, **options: Any) -> None:
        from lerobot.datasets.lerobot_dataset import LeRobotDataset

        self.dataset: Any = LeRobotDataset(repo_id, root=root, **options)
        self._texts = Texts(Dataset(Path(self.dataset.root)))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.dataset[index]
        label = int(item[COLUMN])
        dialogue = self._texts[label if label >= 0 else int(item["task_index"])]
        return {**item, "user_prompt": dialogue.user_prompt, "robot_utterance": dialogue.robot_utterance}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "dataset":  # torch would read whole batches past __getitem__
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.dataset, name)
