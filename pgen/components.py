"""The base classes of everything that is chosen by name: one class a kind, options as a frozen model.

A component has a `name` and an `Options` model whose fields are documented; it is built from keyword
options, holds nothing open until it is opened, and can be pickled. Heavy imports belong into its methods.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from pgen.errors import ConfigError
from pgen.options import Options, defaults_of, explain, is_tuning
from pgen.records import Annotation, Episode, Image, Prompt, Reply, Request, Sample
from pgen.secrets import redact, redacted, register_options

type Step = Callable[[int], object]
"""Called with the number of bytes that were done since the last call."""
type Phase = Callable[[str, int], Step]
"""Begins a phase that takes long, given its name and its number of bytes."""


def silent(name: str, total: int) -> Step:
    """A phase whose progress nobody sees."""
    return lambda count: None


class Component:
    """What all kinds share. Subclasses set `name`, and `Options` where they have any."""

    kind: ClassVar[str]
    name: ClassVar[str]
    Options: ClassVar[type[Options]] = Options

    def __init__(self, **options: Any) -> None:
        try:
            self.options: Any = self.Options(**options)
        except ValidationError as error:
            told = "; ".join(explain(self.Options, error))
            see = f"See `pgen plugins show {self.name}`."
            raise ConfigError(f"{self.kind} {self.name}: {told}. {see}") from None
        register_options(self.options.model_dump())

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in redacted(self.options.model_dump()).items())
        return redact(f"{type(self).__name__}({given})")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.options.model_dump(exclude_unset=True))

    def identity(self) -> dict[str, Any]:
        """The name and the options that can change a reply, as JSON values."""
        fields = type(self.options).model_fields
        keep = {name for name, field in fields.items() if not is_tuning(field.json_schema_extra)}
        return {"name": self.name, **self.options.model_dump(mode="json", include=keep)}

    def defaults(self) -> dict[str, Any]:
        """The options at their defaults, as JSON values: where `identity` was recorded before one was added."""
        return defaults_of(self.Options)

    def describe(self) -> dict[str, Any]:
        """The name and every option, as JSON values: what is stored with a result."""
        return {"name": self.name, **self.options.model_dump(mode="json")}

    def remarks(self) -> tuple[str, ...]:
        """What one should know who uses the output: of a sampler or a sink, shown with the plan and the report."""
        return ()


class Source(Component):
    """Episodes with their skills, and the pictures of a sample."""

    kind = "source"
    output: ClassVar[str] = "jsonl"
    """The sink that is used where none is named."""

    def open(self) -> None:
        """Check the input and make it ready. Raises InputError or ConfigError. Called once, first."""

    def identity(self) -> dict[str, Any]:
        """Without the input's place: a dataset that was moved is the same dataset."""
        return {"name": self.name}

    def episodes(self) -> Iterator[Episode]:
        """The chosen episodes in order. May be called more than once and gives the same each time."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    @property
    def folder(self) -> Path | None:
        """The folder that the input is, once open; no output is written into it."""
        return None

    def reader(self, max_pixels: int) -> "AbstractContextManager[ImageReader]":
        """A reader of pictures of at most `max_pixels` each; a reader serves one thread at a time."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def image_names(self, episode: Episode, frame_index: int) -> tuple[str, ...]:
        """References to a frame's pictures, one a camera, relative to the input."""
        return ()

    def notes(self) -> dict[str, int]:
        """What was repaired or left out while reading, counted: shown to the user and stored."""
        return {}

    def close(self) -> None:
        """Release what `open` took."""


class ImageReader:
    """Reads the pictures of samples. Samples of one file are best asked for in order."""

    def images(self, sample: Sample) -> tuple[Image, ...]:
        """One picture a camera of the sample. Raises SampleError("decode", …)."""
        raise NotImplementedError  # abstract: whoever implements this kind says it


class Sampler(Component):
    """Which frames of an episode to ask about."""

    kind = "sampler"

    @property
    def pictures(self) -> int:
        """How many pictures of each camera a sample shows at most; more than one are a clip."""
        return 1

    def frames(self, episode: Episode) -> Iterable[int]:
        """Positions in `episode.timestamps`, in any order; one outside every span is passed over."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def clip(self, episode: Episode, frame: int) -> Sequence[int]:
        """The frames that are shown with a chosen one, ascending and itself the last; none for a still picture."""
        return ()


class PromptBuilder(Component):
    """The request for a sample: a pure function of the sample, the options and the seed."""

    kind = "prompt"

    def open(self) -> None:
        """Check what the options name, such as a file. Raises ConfigError."""

    def build(self, sample: Sample, seed: int) -> Prompt:
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        """A reply to `build(sample, seed)` that its own schema accepts."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def fingerprint(self) -> str:
        """Changes whenever the wording changes: the hash of the prompt's text."""
        raise NotImplementedError  # abstract: whoever implements this kind says it


class Generator(Component):
    """Replies for requests."""

    kind = "generator"
    languages: ClassVar[frozenset[str] | None] = None
    """The languages that it can write, by their codes; None where that is up to the model."""
    any_schema: ClassVar[bool] = True
    """Whether it answers any request. One that writes nothing but dialogues cannot judge them."""
    pictures: int = 1
    """The most pictures (or clips) that a request will hold: set before `open`, which can find out about them."""

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"pictures": self.pictures}

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight at once."""
        return 1

    @property
    def gpus(self) -> float:
        """How many GPUs it computes on itself: what an executor that hands GPUs out reserves for it."""
        return 0.0

    @property
    def model(self) -> str | None:
        """The model's name as the result records it, or None for a generator without a model."""
        return None

    @property
    def takes_clips(self) -> bool:
        """Whether a clip is handed over as such; otherwise a sheet of its frames is, as one picture."""
        return False

    def provenance(self) -> dict[str, Any]:
        """What was found out at run time and belongs into the manifest, as JSON values."""
        return {}

    async def open(self) -> None:
        """Check and take what is needed, before anything is paid for. Raises ConfigError."""

    async def generate(self, request: Request) -> Reply:
        """One reply. Raises SampleError, or anything else, where this sample cannot be answered."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    async def close(self) -> None:
        """Release what `open` took."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a run hands to its sinks: each episode with its annotations, read as often as a sink wants.

    `manifest` is the provenance that the sinks store; `phase` shows the progress of what takes long in writing.
    """

    source: Source
    manifest: dict[str, Any]
    read: Callable[[], Iterator[tuple[Episode, list[Annotation]]]]
    phase: Phase = silent

    @property
    def generator(self) -> str:
        """The generator's name, for outputs that have to say where their text comes from."""
        return str(self.manifest["generator"]["name"])


class Sink(Component):
    """One form of the output."""

    kind = "sink"
    builds_on: ClassVar[str | None] = None
    """The sink whose output this one adds to: it comes along and writes first, whether it is named or not."""

    def open(self, source: Source) -> None:
        """Check that this source can be written in this form. Raises ConfigError or InputError."""

    def write(self, results: Results, out: Path) -> None:
        """Write into the folder `out`, which exists and becomes the output once every sink is done."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def needs_bytes(self, source: Source) -> int:
        """An upper estimate of the room on the disk, in bytes."""
        return 0

    def shared_bytes(self, source: Source) -> int:
        """How much more is needed where the output is on another file system than the input, in bytes."""
        return 0


def _rebuild(cls: type[Component], options: dict[str, Any]) -> Component:
    return cls(**options)
