"""`pgen.LeRobotDialogueDataset`: lerobot's dataset, with the dialogue and the skill as text in each item."""

import random
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pgen.errors import ConfigError, InputError
from pgen.labels import Labelling
from pgen.records import Annotation, Scope
from pgen_lerobot.format import COLUMN, COUNTERFACTUALS, Dataset, ExchangeRow, read_counterfactuals
from pgen_lerobot.read.frame_dialogues import FrameDialogue, FrameTexts
from pgen_lerobot.read.recorded import read_manifest


class LeRobotDialogueDataset:
    """A map-style dataset: an item of lerobot's dataset, and the dialogue in force at its frame, all str.

    `user_prompt` is the input of a high-level policy, `skill` its target and `robot_utterance` what it says; `scope`,
    `scenario_type` and `response_type` describe the dialogue ("" where unknown). A frame without a dialogue has its
    task as `user_prompt` and "" as `robot_utterance`.

    The dialogue is that of the frame's label; with `draw`, each access draws one of those in force, by the weights
    `scopes`. With `speech="once"` the utterance is "" from a second after it was spoken, with "hold" it never is. Both
    are by default as the dataset was annotated. In the share `counterfactuals` of all accesses, the item is that of
    another frame, with a prompt that leads elsewhere: `skill` is then what it leads to, "" for nothing, and `scope` is
    "counterfactual". Draws are Python's `random`, which torch seeds in each worker.

    Other arguments are those of `LeRobotDataset`; its other attributes are available here and under `dataset`. Raises
    InputError where pgen did not write the dataset, ConfigError for an invalid option, ImportError where lerobot is not
    installed.
    """

    def __init__(
        self,
        repo_id: str,
        root: str | Path | None = None,
        *,
        draw: bool = False,
        scopes: Mapping[Scope, float] | None = None,
        speech: Literal["hold", "once"] | None = None,
        counterfactuals: float = 0.0,
        **options: Any,
    ) -> None:
        from lerobot.datasets.lerobot_dataset import LeRobotDataset

        if not 0 <= counterfactuals <= 1:
            raise ConfigError(f"counterfactuals={counterfactuals}: it is a share, from 0 to 1.")
        self.dataset: Any = LeRobotDataset(repo_id, root=root, **options)
        dataset = Dataset(Path(self.dataset.root))
        self._texts = FrameTexts(dataset)
        labelling = _labelling(dataset.root)
        self._draws, self._share = draw, counterfactuals
        self._scopes = dict(labelling.scopes if scopes is None else scopes)
        self._once = (speech or labelling.speech) == "once"
        self._spoken = dataset.fps - 0.1
        """The frames after which an utterance is over: a second, with the slack of the column's labels."""
        self._elsewhere = self._counterfactuals(dataset) if counterfactuals else []
        if counterfactuals and not self._elsewhere:
            raise ConfigError(
                f"counterfactuals={counterfactuals}: {dataset.root / COUNTERFACTUALS} has none of these episodes; "
                "annotate with --counterfactuals SHARE."
            )

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if self._share and random.random() < self._share:
            return self._counterfactual(*random.choice(self._elsewhere))
        item = self.dataset[index]
        label, place = int(item[COLUMN]), (int(item["episode_index"]), int(item["frame_index"]))
        in_force = self._texts.in_force(*place) if self._draws else []
        if in_force:
            row, dialogue = self._drawn(in_force)
        else:
            row, dialogue = self._texts.labelled(label if label >= 0 else int(item["task_index"]), *place)
        return {**item, **_fields(dialogue), "robot_utterance": self._utterance(place[1], row, dialogue)}

    def _drawn(self, in_force: list[tuple[ExchangeRow, FrameDialogue]]) -> tuple[ExchangeRow | None, FrameDialogue]:
        """Draw a scope by its weight, then one of its latest dialogues, as the column's are drawn."""
        by_scope: dict[Scope, list[tuple[ExchangeRow, FrameDialogue]]] = {}
        for row, dialogue in in_force:
            by_scope.setdefault(row.scope, []).append((row, dialogue))
        weights = [self._scopes.get(scope, 0.0) for scope in by_scope]
        weights = weights if any(weights) else [1.0] * len(weights)
        (wordings,) = random.choices(list(by_scope.values()), weights)
        latest = max(row.start for row, _ in wordings)
        return random.choice([it for it in wordings if it[0].start == latest])

    def _utterance(self, frame_index: int, row: ExchangeRow | None, dialogue: FrameDialogue) -> str:
        if row is None:
            return dialogue.robot_utterance
        over = self._once and frame_index - row.start >= self._spoken
        return "" if over else self._texts.texts[row.task_index].robot_utterance

    def _counterfactuals(self, dataset: Dataset) -> list[tuple[int, Annotation]]:
        """Return the counterfactuals of the loaded episodes, each with the index of its item."""
        table = self.dataset.hf_dataset.with_format(None).select_columns(["episode_index", "frame_index"])
        columns = table[:]
        places = zip(columns["episode_index"], columns["frame_index"], strict=True)
        index = {(int(episode), int(frame)): number for number, (episode, frame) in enumerate(places)}
        found = read_counterfactuals(dataset.root / COUNTERFACTUALS)
        located = ((index.get((it.sample.span.episode_index, it.sample.moment.frame_index)), it) for it in found)
        return [(number, it) for number, it in located if number is not None]

    def _counterfactual(self, index: int, annotation: Annotation) -> dict[str, Any]:
        dialogue = annotation.dialogue
        assert dialogue is not None
        skill = annotation.sample.question.target or ""
        texts = {"user_prompt": dialogue.user_prompt, "robot_utterance": dialogue.robot_utterance, "skill": skill}
        types = {"scope": "counterfactual", "scenario_type": "", "response_type": ""}
        return {**self.dataset[index], **texts, **types}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "dataset":  # torch would read whole batches past __getitem__
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.dataset, name)


def _labelling(root: Path) -> Labelling:
    with suppress(InputError):  # lerobot's tools keep no manifest
        return Labelling.of_run(read_manifest(root).get("run") or {})
    return Labelling()


def _fields(dialogue: FrameDialogue) -> dict[str, str]:
    return {
        "user_prompt": dialogue.user_prompt,
        "skill": dialogue.skill or "",
        "scope": dialogue.scope or "",
        "scenario_type": dialogue.scenario_type or "",
        "response_type": dialogue.response_type or "",
    }
