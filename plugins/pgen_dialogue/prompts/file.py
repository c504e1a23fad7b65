"""The prompt builder `file`: the user's own template, whose placeholders are what is known of a sample."""

from pathlib import Path
from typing import Any, Literal

from pgen.components import PromptBuilder
from pgen.records import Moment, Plan, Prompt, Sample, SpanContext
from pgen_dialogue.prompts import user_template as template
from pgen_dialogue.prompts.planner import PlanOptions, plan
from pgen_dialogue.prompts.reply_schema import dialogue_schema, example_dialogue, fingerprint_of, typed, typed_schema
from pgen_dialogue.prompts.seed import listed
from pgen_dialogue.prompts.user_template import Template

PLACEHOLDERS = (
    "task_description",
    "skill_history",
    "skill_current",
    "skill_future",
    "episode_id",
    "timestamp",
    "cameras",
    "scenario_type",
    "response_type",
)
_PLANNED = ("scenario_type", "response_type")


class FileOptions(PlanOptions):
    path: Path
    """The template: text with {skill_current} and other placeholders, or Jinja (.j2, .jinja).

    Placeholders: task_description, skill_history, skill_current, skill_future, episode_id, timestamp (in
    seconds), cameras, scenario_type, response_type. In Jinja the histories and the cameras are lists.
    """

    reply: Literal["dialogue", "typed"] = "dialogue"
    """What the model answers: `dialogue` (two texts), or `typed` (with scenario_type and response_type)."""


class FilePrompt(PromptBuilder[FileOptions]):
    """Asks with the user's own template. Types are planned where the template mentions them."""

    name = "file"
    argument = "path"
    _template: Template | None = None

    def open(self) -> None:
        """Read and check the template. Raises ConfigError."""
        self._template = load(self.options.path)

    def build(self, sample: Sample, seed: int) -> Prompt:
        planned = self._plan(sample, seed)
        schema = typed_schema() if self.options.reply == "typed" else dialogue_schema()
        return Prompt(text=filled(self._read(), sample, planned), schema=schema, plan=planned)

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        dialogue = example_dialogue(sample)
        return typed(dialogue, self._plan(sample, seed)) if self.options.reply == "typed" else dialogue

    def fingerprint(self) -> str:
        return fingerprint_of(self._read().text)

    def identity(self) -> dict[str, Any]:
        """Without the file's place: what it says is in the fingerprint."""
        return {key: value for key, value in super().identity().items() if key != "path"}

    def _read(self) -> Template:
        if self._template is None:
            self.open()
        assert self._template is not None
        return self._template

    def _plan(self, sample: Sample, seed: int) -> Plan:
        names = self._read().names
        planned = plan(sample, seed, self.options)
        return Plan(**{name: getattr(planned, name) for name in _PLANNED if name in names})


def load(path: Path) -> Template:
    """The template in a file. Raises ConfigError where it is missing, unreadable or wrong."""
    return template.load(path, PLACEHOLDERS, {"skill_current": "what comes next"}, _example)


def filled(template: Template, sample: Sample, planned: Plan) -> str:
    """The text for a sample."""
    return template.fill(_values(template, sample, planned))


def _example(template: Template) -> dict[str, Any]:
    span = SpanContext(0, "0", "task", 1, "pick", ("go",), ("put",))
    sample = Sample(span, Moment(0, 0.0, ("front",), ("front.jpg",)))
    return _values(template, sample, Plan("specific_object", "confirmation"))


def _values(template: Template, sample: Sample, planned: Plan) -> dict[str, Any]:
    lists = template.lists
    return {
        "task_description": sample.span.task,
        "skill_history": list(sample.span.history) if lists else listed(sample.span.history),
        "skill_current": sample.span.skill,
        "skill_future": list(sample.span.future) if lists else listed(sample.span.future, "none"),
        "episode_id": sample.span.episode_id,
        "timestamp": "unknown" if sample.moment.timestamp is None else f"{sample.moment.timestamp:.2f}",
        "cameras": list(sample.moment.cameras) if lists else ", ".join(sample.moment.cameras),
        "scenario_type": planned.scenario_type,
        "response_type": planned.response_type,
    }
