"""The dialogue of each frame of a dataset that pgen wrote: `pgen.open`.

The labels (eight bytes a frame), one row for each distinct text, the spans and the exchanges are held.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pgen.errors import InputError
from pgen.records import Scope
from pgen_lerobot.format import (
    COLUMN,
    TASK_ROWS,
    Dataset,
    ExchangeRow,
    TaskRow,
    read_task_rows,
    rows_problem,
    runs,
    to_array,
)
from pgen_lerobot.read.recorded import Recorded


@dataclass(frozen=True, slots=True)
class FrameDialogue:
    """A frame's dialogue. `task_index` is its row in the task table.

    A frame without a dialogue has its own task as `user_prompt`, and "" as `robot_utterance`. `skill` is the frame's
    own, the target of training; `scope` says what the dialogue leads to. They and the types are None where unknown.
    """

    user_prompt: str
    robot_utterance: str
    skill: str | None
    scenario_type: str | None
    response_type: str | None
    task_index: int
    scope: Scope | None = None


class Texts:
    """The dialogue of each row of the task table: `texts[task_index]`."""

    def __init__(self, dataset: Dataset) -> None:
        path = dataset.root / TASK_ROWS
        if COLUMN not in dataset.features and not path.is_file():
            raise InputError(f"{path} is missing; run `pgen annotate` on the dataset.")
        if problem := rows_problem(path, dataset.tasks):
            raise InputError(f"{path} {problem}. `pgen annotate --overwrite` writes dialogue anew.")
        rows = read_task_rows(path)
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


class FrameTexts:
    """The dialogue that a label means at a frame, and the others in force there."""

    def __init__(self, dataset: Dataset) -> None:
        self.texts = Texts(dataset)
        self.recorded = Recorded(dataset)

    def labelled(self, label: int, episode_index: int, frame_index: int) -> tuple[ExchangeRow | None, FrameDialogue]:
        """Return the dialogue of a label at a frame, by its position in the episode, and its exchange if it has one.

        Raises IndexError for a label that is no row of the task table.
        """
        dialogue = self.texts[label]
        skill = self.recorded.skill(episode_index, frame_index) or dialogue.skill
        # Once an utterance is over, the label is another task with the same prompt.
        rows = self.recorded.in_force(episode_index, frame_index)
        same = (row for row in rows if self.texts[row.task_index].user_prompt == dialogue.user_prompt)
        row = next((row for row in rows if row.task_index == label), None) or next(same, None)
        return row, self._described(dialogue, row, skill)

    def in_force(self, episode_index: int, frame_index: int) -> list[tuple[ExchangeRow, FrameDialogue]]:
        """Return all exchanges in force at a frame, each with its dialogue."""
        skill = self.recorded.skill(episode_index, frame_index)
        rows = self.recorded.in_force(episode_index, frame_index)
        return [(row, self._described(self.texts[row.task_index], row, skill)) for row in rows]

    def _described(self, dialogue: FrameDialogue, row: ExchangeRow | None, skill: str | None) -> FrameDialogue:
        if row is None:
            return replace(dialogue, skill=skill)
        scenario, response = row.scenario_type, row.response_type
        return replace(dialogue, skill=skill, scope=row.scope, scenario_type=scenario, response_type=response)


class Dialogues:
    """Dialogues by frame: `dialogues[row]`, or `dialogues.at(episode_index, frame_index)`."""

    def __init__(self, root: str | Path) -> None:
        dataset = Dataset(Path(root))
        self._texts = FrameTexts(dataset)
        self.texts = self._texts.texts
        self._labels: array[int] = array("q")
        self._episodes: dict[int, range] = {}
        """The rows of each episode."""
        for name in dataset.data_files:
            self._read(dataset, name)
        self._order = sorted(self._episodes, key=lambda episode: self._episodes[episode].start)
        self._starts = [self._episodes[episode].start for episode in self._order]

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._labels)

    def __getitem__(self, row: int) -> FrameDialogue:
        """Return the dialogue of the frame in a row of the whole dataset, from 0. Raises IndexError."""
        if not 0 <= row < len(self):
            raise IndexError(f"there is no frame {row}; the dataset has {len(self)}")
        position = bisect_right(self._starts, row) - 1
        episode = self._order[position]
        return self._texts.labelled(self._labels[row], episode, row - self._starts[position])[1]

    def in_force(self, episode_index: int, frame_index: int) -> list[FrameDialogue]:
        """Return the dialogues of all exchanges in force at a frame; the column holds one of them.

        Raises IndexError for a frame that does not exist.
        """
        self._row(episode_index, frame_index)
        return [dialogue for _, dialogue in self._texts.in_force(episode_index, frame_index)]

    def at(self, episode_index: int, frame_index: int) -> FrameDialogue:
        """Return the dialogue of an episode's frame, by its position in the episode. Raises IndexError."""
        return self[self._row(episode_index, frame_index)]

    def _row(self, episode_index: int, frame_index: int) -> int:
        rows = self._episodes.get(episode_index)
        if rows is None:
            raise IndexError(f"there is no episode {episode_index}")
        if not 0 <= frame_index < len(rows):
            raise IndexError(f"episode {episode_index} has no frame {frame_index}; it has {len(rows)}")
        return rows[frame_index]

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
