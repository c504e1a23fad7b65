"""The prompt builder `file`: the user's own template, whose placeholders are the fields of a sample."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pgen.components import PromptBuilder
from pgen.errors import ConfigError
from pgen.records import Moment, Plan, Prompt, Sample, SpanContext
from pgen_dialogue.prompts.planner import PlanOptions, plan
from pgen_dialogue.prompts.references import Reference, as_text, load_references, references_for
from pgen_dialogue.prompts.reply_schema import dialogue_schema, example_dialogue, fingerprint_of, typed, typed_schema
from pgen_dialogue.prompts.seed import numbered
from pgen_dialogue.prompts.user_template import Template, load_template

_TYPES = ("scenario_type", "response_type")
PLACEHOLDERS = (
    "task_description",
    "skill_history",
    "skill_current",
    "skill_future",
    "episode_id",
    "timestamp",
    "cameras",
    *_TYPES,
    "references",
)
_EXAMPLE = Sample(SpanContext(0, "0", "task", 1, "pick", ("go",), ("put",)), Moment(0, 0.0, ("front",), ("front.jpg",)))


class FileOptions(PlanOptions):
    path: Path
    """The template: text with {skill_current} and other placeholders, or Jinja (.j2, .jinja).

    Placeholders: task_description, skill_history, skill_current, skill_future, episode_id, timestamp (in
    seconds), cameras, scenario_type, response_type, references. In Jinja the histories, the cameras and the
    references are lists.
    """

    references: Path | None = None
    """Dialogues that people approved, for {references}: the references.jsonl of `pgen export --reviewed`."""

    shots: int = Field(4, ge=1, le=32)
    """How many of them a prompt shows at most."""

    reply: Literal["dialogue", "typed"] = "dialogue"
    """What the model answers: `dialogue` (two texts), or `typed` (with scenario_type and response_type)."""


class FilePrompt(PromptBuilder[FileOptions]):
    """Asks with the user's own template. Types are planned where the template mentions them."""

    name = "file"
    argument = "path"
    _template: Template | None = None
    _references: tuple[Reference, ...] | None = None

    def open(self) -> None:
        """Read and check the template and the references. Raises ConfigError."""
        self._read()
        self._read_references()

    def build(self, sample: Sample, seed: int) -> Prompt:
        template, planned = self._read(), self._plan(sample, seed)
        schema = typed_schema() if self.options.reply == "typed" else dialogue_schema()
        values = _values(template, sample, planned)
        if "references" in template.names:
            shown = references_for(self._read_references(), sample, seed, self.options.shots)
            values["references"] = shown if template.lists else as_text(shown)
        return Prompt(text=template.fill(values), schema=schema, plans=(planned,))

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        dialogue = example_dialogue(sample)
        return typed(dialogue, self._plan(sample, seed)) if self.options.reply == "typed" else dialogue

    def fingerprint(self) -> str:
        references = self._read_references()
        return fingerprint_of(self._read().text, *([json.dumps(references)] if references else []))

    def identity(self) -> dict[str, Any]:
        """Return the options without the files' paths: the fingerprint depends on their content."""
        return {key: value for key, value in super().identity().items() if key not in ("path", "references")}

    def _read(self) -> Template:
        if self._template is None:
            needed = {"skill_current": "what comes next"}
            self._template = load_template(self.options.path, PLACEHOLDERS, needed, _example_values)
        return self._template

    def _read_references(self) -> tuple[Reference, ...]:
        if self._references is None:
            path, is_used = self.options.references, "references" in self._read().names
            if is_used and path is None:
                raise ConfigError(
                    f"prompt file: {self.options.path} mentions references; name their file with "
                    "--opt prompt.references=references.jsonl, which `pgen export --reviewed` writes."
                )
            self._references = load_references(path) if is_used and path else ()
        return self._references

    def _plan(self, sample: Sample, seed: int) -> Plan:
        planned, names = plan(sample, seed, self.options), self._read().names
        return Plan(**{name: getattr(planned, name) for name in _TYPES if name in names})


def _example_values(template: Template) -> dict[str, Any]:
    return _values(template, _EXAMPLE, Plan("specific_object", "confirmation"))


def _values(template: Template, sample: Sample, planned: Plan) -> dict[str, Any]:
    span, moment, lists = sample.span, sample.moment, template.lists
    return {
        "task_description": span.task,
        "skill_history": list(span.history) if lists else numbered(span.history),
        "skill_current": span.skill,
        "skill_future": list(span.future) if lists else numbered(span.future, "none"),
        "episode_id": span.episode_id,
        "timestamp": "unknown" if moment.timestamp is None else f"{moment.timestamp:.2f}",
        "cameras": list(moment.cameras) if lists else ", ".join(moment.cameras),
        "scenario_type": planned.scenario_type,
        "response_type": planned.response_type,
        "references": [] if lists else "none",
    }
