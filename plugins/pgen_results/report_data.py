"""The episodes and samples of a report as data of its page, with their images."""

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import compress, pairwise
from typing import Any

from pgen.components import Phase, Source
from pgen.formats.syn_annotations import from_line
from pgen.records import Episode, Sample, Skill
from pgen_results.clock import Clock
from pgen_results.images import FIRST, OTHER, PROBLEM, PageImages, read_images
from pgen_results.lines import (
    Line,
    badness,
    chosen,
    failure,
    findings,
    is_failure,
    is_scene,
    moment,
    other_types,
    scope,
    scores,
    skills,
)

_EMPTY: tuple[Any, ...] = ([], {})


class PageData:
    """The data of a page: its episodes, and the moments that may have an image. `names` numbers the skills."""

    def __init__(self, names: dict[str, int]) -> None:
        self.names = names
        self.episodes: list[dict[str, Any]] = []
        self._moments: list[tuple[int, Sample]] = []

    @property
    def samples(self) -> list[dict[str, Any]]:
        """The samples of all episodes."""
        return [sample for episode in self.episodes for sample in episode["samples"]]

    def add(self, episode: Episode, lines: list[Line], shown: Collection[int]) -> None:
        """Add an episode with those of its samples that are `shown`."""
        drawn, clock = spans(episode, lines), Clock(episode, lines)
        numbered = list(compress(zip(lines, _span_numbers(episode, lines), _variants(lines), strict=True), shown))
        images = self._add_moments(numbered)
        samples = [
            {**self._sample(line, clock), "span": span, "variant": variant, "image": images[moment(line)]}
            for line, span, variant in numbered
        ]
        recorded = [episode.timestamps[-1] + 1 / episode.fps] if episode.timestamps else []
        ends = [sample["until"] for sample in samples if sample.get("until") is not None]
        self.episodes.append(
            {
                "index": episode.index,
                "id": episode.id,
                "task": episode.task,
                "timed": clock.timed,
                "start": min([0.0, *(sample["time"] for sample in samples[:1])]),
                "end": max([*recorded, *ends, *(span.end for span in drawn), *(it["time"] for it in samples)]),
                "spans": [[self._number(span.name), round(span.start, 3), round(span.end, 3)] for span in drawn],
                "samples": [_without_nothing(sample) for sample in samples],
                "others": _periods([line for line, is_shown in zip(lines, shown, strict=True) if not is_shown], clock),
            }
        )

    def read_images(self, source: Source | None, limit: int, phase: Phase) -> PageImages:
        """Read the images, and give each sample the number of its moment's, if it has any."""
        images = read_images(source, self._moments, limit, phase)
        for sample in self.samples:
            number = images.numbers[sample.pop("image")]
            if number is not None:
                sample["image"] = number
        return images

    def _number(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def _add_moments(self, numbered: list[tuple[Line, int, Any]]) -> dict[tuple[int, int], int]:
        """Return the position of each moment among all of the page."""
        positions: dict[tuple[int, int], int] = {}
        last_span = None
        for line, span, _ in numbered:
            rank = PROBLEM if badness(line) else OTHER if span == last_span else FIRST
            place, last_span = moment(line), span
            if place not in positions:
                positions[place] = len(self._moments)
                self._moments.append((rank, from_line(line).sample))
            elif rank > self._moments[positions[place]][0]:
                self._moments[positions[place]] = (rank, self._moments[positions[place]][1])
        return positions

    def _sample(self, line: Line, clock: Clock) -> dict[str, Any]:
        types = {"scenario": "scenario_type", "response": "response_type"}
        return {
            "time": round(clock.of_line(line), 3),
            "frame": line["frame_index"],
            "skill": self._number(line["skill_current"]),
            "scope": scope(line),
            "skills": [self._number(name) for name in skills(line)[1:]],
            **_in_force(line, clock),
            "user": line["user_prompt"],
            "robot": line["robot_utterance"],
            **{name: line[kind] or line[f"planned_{kind}"] for name, kind in types.items()},
            "planned": {name: line[f"planned_{kind}"] for name, kind in types.items() if kind in other_types(line)},
            "failed": is_failure(line),
            "scene": is_scene(line),
            "failure": failure(line),
            "checks": findings(line) if line["status"] == "ok" else [],
            "scores": scores(line.get("judgement")),
            "chosen": chosen(line) or None,
            "badness": badness(line) or None,
        }


def spans(episode: Episode, lines: list[Line]) -> tuple[Skill, ...]:
    """Return the episode's skills; where the input is not available, one span from each skill's first sample on."""
    if episode.skills or not lines:
        return episode.skills
    clock = Clock(episode, lines)
    times = [clock.of_line(line) for line in lines]
    names = [_span_of(line) for line in lines]
    starts = [i for i in range(len(lines)) if i == 0 or names[i] != names[i - 1]]
    end = times[-1] + max(1.0, (times[-1] - times[0]) / max(1, len({*times}) - 1))
    edges = pairwise([*(times[i] for i in starts), end])
    return tuple(Skill(names[i][1], *edge) for i, edge in zip(starts, edges, strict=True))


def _span_of(line: Line) -> tuple[int, str]:
    return line["skill_index"], line["skill_current"]


def _span_numbers(episode: Episode, lines: list[Line]) -> Iterator[int]:
    """Yield the position of each line's span among those of `spans`."""
    number, last = -1, None
    for line in lines:
        number, last = number + (_span_of(line) != last), _span_of(line)
        yield line["skill_index"] if episode.skills else number


def _variants(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Yield the number of each line among the wordings of its scope at its moment, from 1, and how many there are."""
    counts = Counter((moment(line), scope(line)) for line in lines)
    numbers: Counter[Any] = Counter()
    for line in lines:
        place = moment(line), scope(line)
        numbers[place] += 1
        yield numbers[place], counts[place]


def _in_force(line: Line, clock: Clock) -> dict[str, Any]:
    """Return the frames over which the dialogue is in force, and their times."""
    if line.get("start") is None:
        return {}
    start, stop = line["start"], line["stop"]
    return {"frames": [start, stop], "from": clock.of_frame(start), "until": clock.of_frame(stop)}


def _periods(lines: list[Line], clock: Clock) -> list[tuple[str, float, float]]:
    """Return the scope and the time in force of the exchanges of samples that the page leaves out, each once."""
    in_force = ((scope(line), _in_force(line, clock)) for line in lines)
    return sorted({(name, times["from"], times["until"]) for name, times in in_force if times.get("until") is not None})


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in values.items() if value is not None and value is not False and value not in _EMPTY
    }
