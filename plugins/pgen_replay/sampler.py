"""The sampler `replay`: the moments for which a file has a dialogue, so that none is lost."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pgen.components import Options, Sampler
from pgen.errors import InputError
from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen_replay.recorded import RecordedDialogues


class ReplaySamplerOptions(Options):
    file: Path
    """A former run's syn_annotations.jsonl, the folder that holds it, or a lerobot_annotations.json."""


class ReplaySampler(Sampler[ReplaySamplerOptions]):
    """The moments of a file with dialogues, as the generator `replay` answers them."""

    name = "replay"

    def frames(self, episode: Episode) -> Iterator[int]:
        spans = frame_ranges(episode)
        for frame in self._recorded.frames(episode):
            if not any(frame in span for span in spans):
                raise InputError(
                    f"{self._recorded.path}: a dialogue of {episode.id} is at frame {frame}, where no skill goes on; "
                    "move it into a skill, or take it out."
                )
            yield frame

    def remarks(self) -> tuple[str, ...]:
        return self._recorded.remarks()

    @cached_property
    def _recorded(self) -> RecordedDialogues:
        return RecordedDialogues(self.options.file)
