"""A run that answers all samples but one and ends before its output; as a script it keeps the journal of it.

It uses nothing but what every version of pgen had, so that a former version can run it: see README.md.
"""

import json
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from pgen import Generator, Prompt, PromptBuilder, Reply, SampleError, Sampler, Sink
from pgen.api import annotate
from pgen.testing import FakeSource, make_episode

KEPT = {"skills": [1.5, "pick"]}
SCHEMA = {
    "type": "object",
    "properties": {"user_prompt": {"type": "string"}, "robot_utterance": {"type": "string"}},
    "required": ["user_prompt", "robot_utterance"],
}


def parts(sample):
    """Its span, moment and question; a sample of a former version had their fields itself."""
    return [getattr(sample, part, sample) for part in ("span", "moment", "question")]


def current(span):
    return span.skill if hasattr(span, "skill") else span.skill_current


class Eighth(Sampler):
    """Each eighth frame."""

    name = "eighth"

    def frames(self, episode):
        return range(0, len(episode.timestamps), 8)


class Words(PromptBuilder):
    """The skill, in a sentence."""

    name = "words"

    def build(self, sample, seed):
        return Prompt(f"The robot does this next: {current(parts(sample)[0])}.", SCHEMA)

    def example(self, sample, seed):
        return {"user_prompt": "Do.", "robot_utterance": "Yes."}

    def fingerprint(self):
        return "words"


class Numbered(Generator):
    """Names the frame; one sample fails, until `all_answered`."""

    name = "numbered"

    def __init__(self, all_answered=False):
        super().__init__()
        self.all_answered = all_answered
        self.asked = []

    async def generate(self, request):
        span, moment, question = parts(request.sample)
        self.asked.append((span.episode_index, moment.frame_index, getattr(question, "problem", "")))
        if self.asked[-1][:2] == (1, 16) and not self.all_answered:
            raise SampleError("refused", "not this one")
        text = f"Now {current(span)}, {span.episode_index}-{moment.frame_index}. ü"
        return Reply(json.dumps({"user_prompt": text, "robot_utterance": "Yes."}), tokens_in=7, tokens_out=5)


class StoppedError(Exception):
    pass


class Stop(Sink):
    """Ends the run where its output would be written."""

    name = "stop"

    def write(self, results, out):
        raise StoppedError


def run(out, generator, sink, **options):
    """Annotate two episodes with the same options each time, and further ones."""
    source = FakeSource(make_episode(index=0), make_episode(index=1))
    options = {"sampler": Eighth(), "prompt": Words(), "sink": sink, "max_failures": 1.0, "seed": 3, **options}
    return annotate(source, out, generator=generator, **options)


def main(target):
    with tempfile.TemporaryDirectory() as folder:
        with suppress(StoppedError):
            run(Path(folder) / "out", Numbered(), Stop())
        path = Path(folder) / ".out.pgen" / "journal.sqlite"
        from pgen.storage.journal import Journal

        if hasattr(Journal, "keep"):
            journal = Journal(path)
            journal.keep("fixture", KEPT)
            journal.close()
        assert not list(path.parent.glob("*-wal"))
        shutil.copy(path, target)


if __name__ == "__main__":
    main(sys.argv[1])
