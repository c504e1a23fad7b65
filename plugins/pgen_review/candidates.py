"""Candidates: dialogues that a model wrote when it was asked again, on the disk before anybody sees them.

They cost tokens, so a killed server loses none of them. A candidate is about one text of its dialogue, and leads to the
skills of that time: once either is replaced, it is shown no more.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from pgen.storage.journal_db import storage_errors
from pgen_review import event_file
from pgen_review.events import Key
from pgen_review.reviewed import ReviewedEpisode

NAME = "review-candidates.jsonl"
SHOWN = 4
"""The most candidates of a dialogue that are shown, the latest ones."""

type About = tuple[str | None, ...]
"""What a candidate replaces: the user prompt and the utterance, and behind them the skills that they lead to."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dialogue that a generator wrote instead of `about`, because of a `problem`.

    `asked` is how often it was asked about the same, `findings` are the codes and reasons of the checks.
    """

    key: Key
    about: About
    problem: str
    asked: int
    generator: str
    user: str
    robot: str
    scenario: str | None
    response: str | None
    findings: tuple[tuple[str, str], ...]

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Candidate":
        """Return the candidate of a JSON object that `as_json` made."""
        findings = tuple((code, reason) for code, reason in content["findings"])
        return cls(**{**content, "key": Key(*content["key"]), "about": tuple(content["about"]), "findings": findings})

    def as_json(self) -> dict[str, Any]:
        """Return the candidate as a JSON object."""
        return asdict(self)


class Candidates:
    """The candidates of a review, for any thread. `journal` is the id of its journal."""

    def __init__(self, path: Path, journal: str) -> None:
        self._path, self._journal = path, journal
        self._lock = Lock()
        self._of: dict[Key, list[Candidate]] = {}
        for content in event_file.objects(path):
            if content.pop("of") == journal:
                self._add(Candidate.from_json(content))

    def add(self, candidate: Candidate) -> None:
        """Store a candidate, durably. Raises StorageError where the disk is full or fails."""
        with self._lock:
            with storage_errors(self._path):
                event_file.append(self._path, [{**candidate.as_json(), "of": self._journal}], create=True)
            self._add(candidate)

    def of(self, key: Key, about: About) -> list[Candidate]:
        """Return the candidates for a dialogue as it is now that say something else, each once."""
        with self._lock:
            fitting = [it for it in self._of.get(key, ()) if it.about == about]
        different = {(it.user, it.robot): it for it in fitting if (it.user, it.robot) != about[:2]}
        return list(different.values())[-SHOWN:]

    def asked(self, key: Key, about: About) -> int:
        """Return how often a model was asked about a dialogue as it is."""
        with self._lock:
            return max((it.asked for it in self._of.get(key, ()) if it.about == about), default=0)

    def _add(self, candidate: Candidate) -> None:
        self._of.setdefault(candidate.key, []).append(candidate)


def about_of(episode: ReviewedEpisode, key: Key) -> About:
    """Return what a candidate for a dialogue replaces now."""
    dialogue, skills = episode.dialogue(key), episode.annotations[episode.positions[key]].sample.skills
    return (*((dialogue.user_prompt, dialogue.robot_utterance) if dialogue else (None, None)), *skills)
