"""The user's own prompt for the spans: `--prompt file:PATH`, checked before any request."""

from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen_dialogue.prompts import Template, load_template

PREFIX = "file:"
PLACEHOLDERS = ("task", "start", "stop", "end", "before", "description", "names", "clock")
_NEEDED = {"start": "where to begin", "stop": "where to end", "names": "how skills are named"}


def read(choice: str | None) -> Template | None:
    """Return the chosen template, if any. Raises ConfigError."""
    if choice is None:
        return None
    if not choice.startswith(PREFIX):
        raise ConfigError(f"--prompt {choice}: write it as file:PATH, a template of your own.")
    return load_template(Path(choice.removeprefix(PREFIX)), PLACEHOLDERS, _NEEDED, _example)


def _example(own: Template) -> dict[str, Any]:
    values = {"task": "tidy up", "start": "0.0", "stop": "9.5", "end": "20.0", "description": "The arm moves."}
    before = ["reach"] if own.lists else "reach"
    return {**values, "before": before, "names": "Name skills in the imperative.", "clock": "as burned in"}
