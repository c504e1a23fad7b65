"""The prompt builder `file`: the user's own template, read and checked once, before anything is paid for.

A file ending in .j2 or .jinja is a Jinja template in a sandbox; any other is plain text with {fields},
in which a literal brace is written twice. What a label holds is inserted once and never read as a template.
"""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pgen.components import PromptBuilder
from pgen.errors import ConfigError
from pgen.records import Plan, Prompt, Sample
from pgen.sidefiles import TEMPLATE, read_bounded
from pgen_prompts.planner import PlanOptions, plan
from pgen_prompts.reply import dialogue_schema, example_dialogue, fingerprint_of, typed, typed_schema
from pgen_prompts.seed import listed

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


class FilePrompt(PromptBuilder):
    """Asks with the user's own template. Types are planned where the template mentions them."""

    name = "file"
    Options = FileOptions
    _template: "Template | None" = None

    def open(self) -> None:
        """Read and check the template. Raises ConfigError."""
        self._template = load(self.options.path)

    def build(self, sample: Sample, seed: int) -> Prompt:
        planned = self._plan(sample, seed)
        schema = typed_schema() if self.options.reply == "typed" else dialogue_schema()
        return Prompt(text=self._read().render(sample, planned), schema=schema, plan=planned)

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        dialogue = example_dialogue(sample)
        return typed(dialogue, self._plan(sample, seed)) if self.options.reply == "typed" else dialogue

    def fingerprint(self) -> str:
        return fingerprint_of(self._read().text)

    def identity(self) -> dict[str, Any]:
        """Without the file's place: what it says is in the fingerprint."""
        return {key: value for key, value in super().identity().items() if key != "path"}

    def _read(self) -> "Template":
        if self._template is None:
            self.open()
        assert self._template is not None
        return self._template

    def _plan(self, sample: Sample, seed: int) -> Plan:
        names = self._read().names
        planned = plan(sample, seed, self.options)
        return Plan(**{name: getattr(planned, name) for name in _PLANNED if name in names})


class Template:
    """A checked template: its text, the placeholders it mentions, and how it is filled."""

    def __init__(self, path: Path, text: str) -> None:
        self.text = text
        self._lists = path.suffix in (".j2", ".jinja")
        self.names, self._fill = (_jinja if self._lists else _plain)(path, text)

    def render(self, sample: Sample, planned: Plan) -> str:
        """The text for a sample."""
        values: dict[str, Any] = {
            "task_description": sample.task_description,
            "skill_history": list(sample.skill_history) if self._lists else listed(sample.skill_history),
            "skill_current": sample.skill_current,
            "skill_future": list(sample.skill_future) if self._lists else listed(sample.skill_future, "none"),
            "episode_id": sample.episode_id,
            "timestamp": "unknown" if sample.timestamp is None else f"{sample.timestamp:.2f}",
            "cameras": list(sample.cameras) if self._lists else ", ".join(sample.cameras),
            "scenario_type": planned.scenario_type,
            "response_type": planned.response_type,
        }
        return self._fill(values)


def load(path: Path) -> Template:
    """The template in a file. Raises ConfigError where it is missing, unreadable or wrong."""
    try:
        template = Template(path, read_bounded(path, TEMPLATE).decode("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"prompt file: there is no file {path}; give the template as --opt prompt.path=…") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"prompt file: {path} cannot be read as UTF-8 text ({problem}).") from None
    if unknown := sorted(template.names - set(PLACEHOLDERS)):
        known = ", ".join(PLACEHOLDERS)
        raise _wrong(path, f"has the unknown placeholder {', '.join(unknown)}; the known ones are {known}")
    if "skill_current" not in template.names:
        raise _wrong(path, "never mentions skill_current, so the model cannot know what comes next")
    _try(path, template)
    return template


def _try(path: Path, template: Template) -> None:
    """Fill the template once, so that what Jinja finds out only then is known before the run."""
    sample = Sample(0, "0", 0, 0.0, 1, "pick", ("go",), ("put",), "task", ("front",), ("front.jpg",))
    try:
        template.render(sample, Plan("specific_object", "confirmation"))
    except Exception as problem:  # a template may do anything that Jinja allows
        raise _wrong(path, f"cannot be filled ({problem})") from None


Filled = tuple[set[str], Callable[[dict[str, Any]], str]]


def _plain(path: Path, text: str) -> Filled:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as problem:
        raise _wrong(path, f"is not a valid template ({problem}); a literal brace is written twice") from None
    names = {name for _, name, _, _ in parts if name is not None}
    if odd := sorted(name for name in names if not name.isidentifier()):
        hint = "but only plain names may stand in braces; a literal brace is written twice"
        raise _wrong(path, f"has the placeholder {{{odd[0]}}}, {hint}")
    if any(spec or conversion for _, name, spec, conversion in parts if name):
        raise _wrong(path, "has a placeholder with a format after its name; only {name} is known")
    return names, text.format_map


def _jinja(path: Path, text: str) -> Filled:
    from jinja2 import StrictUndefined, TemplateError, meta
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    # the same sample must give the same request
    del environment.filters["random"], environment.globals["lipsum"]
    try:
        names = meta.find_undeclared_variables(environment.parse(text)) - set(environment.globals)
        template = environment.from_string(text)
    except TemplateError as problem:
        raise _wrong(path, f"is not a valid Jinja template ({problem})") from None
    return names, template.render


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(f"prompt file: {path} {what}.")
