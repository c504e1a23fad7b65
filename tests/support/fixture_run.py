"""A run that answers all samples but one and stops before its output; as a script, it writes the run's journal.

It uses public names only, so that other versions of pgen can run it: see tests/journals/README.md.
"""

import json
import shutil
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from pgen import Generator, Prompt, PromptBuilder, Reply, SampleError, Sampler, Sink
from pgen.api import annotate
from pgen.storage.journal import Journal
from pgen.testing import FakeSource, make_episode

VALUE = {"skills": [1.5, "pick"]}
SCHEMA = {
    "type": "object",
    "properties": {"user_prompt": {"type": "string"}, "robot_utterance": {"type": "string"}},
    "required": ["user_prompt", "robot_utterance"],
}


class Eighth(Sampler):
    """Each eighth frame."""

    name = "eighth"

    def frames(self, episode):
        return range(0, len(episode.timestamps), 8)


class Words(PromptBuilder):
    """A prompt with the skill in a sentence."""

    name = "words"

    def build(self, sample, seed):
        return Prompt(f"The robot does this next: {sample.span.skill}.", SCHEMA)

    def example(self, sample, seed):
        return {"user_prompt": "Do.", "robot_utterance": "Yes."}

    def fingerprint(self):
        return "words"


class Numbered(Generator):
    """Returns a dialogue with the number of its frame; one sample fails unless `all_answered`."""

    name = "numbered"

    def __init__(self, all_answered=False):
        super().__init__()
        self.all_answered = all_answered
        self.requests = []

    async def generate(self, request):
        span, frame = request.sample.span, request.sample.moment.frame_index
        self.requests.append((span.episode_index, frame, request.sample.question.problem))
        if self.requests[-1][:2] == (1, 16) and not self.all_answered:
            raise SampleError("refused", "not this one")
        text = f"Now {span.skill}, {span.episode_index}-{frame}. ü"
        reply = json.dumps({"user_prompt": text, "robot_utterance": "Yes."})
        return Reply(reply, tokens_in=7, tokens_out=5, tokens_images=3)


class StoppedError(Exception):
    pass


class Stop(Sink):
    """Ends the run before its output is written."""

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
        with closing(Journal(path)) as journal:
            journal.add_values([("fixture", VALUE)])
        assert not list(path.parent.glob("*-wal"))
        shutil.copy(path, target)


if __name__ == "__main__":
    main(sys.argv[1])
