"""The checks of a run, made again over the dialogues that a person edited."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pgen.components import Check, Context
from pgen.errors import PgenError
from pgen.inference.checking import RunChecks, checked
from pgen.records import Annotation, Finding
from pgen.registry import registry


class Checks:
    """The checks that a manifest names; one that is not installed is left out.

    Some compare dialogues: `findings` or `hear` is called for every annotation of the run in order.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        language = str(manifest["run"].get("language", "en"))
        self._checks = made(manifest)
        self._context = Context(language)
        self._whole_run = RunChecks(self._checks, language, manifest["counts"]["samples"])

    def start_episode(self) -> None:
        """Forget the dialogues of the episode before."""
        self._whole_run.start_episode()

    def findings(self, annotation: Annotation) -> tuple[Finding, ...]:
        """Return the findings about the next annotation."""
        plain = replace(annotation, checks=())
        return self._whole_run.checked(checked(plain, self._checks, self._context)).checks

    def hear(self, annotation: Annotation) -> None:
        """Take the next annotation into account, for findings about later ones that compare them."""
        self._whole_run.checked(replace(annotation, checks=()))


def made(manifest: Mapping[str, Any]) -> list[Check]:
    """Return the checks that a manifest names, and that are installed."""
    checks = []
    for described in manifest.get("checks", {}).get("made", ()):
        with suppress(PgenError):
            cls: Any = registry().find("check", described["name"])
            checks.append(cls(**{name: described[name] for name in cls.Options.model_fields if name in described}))
    return checks
