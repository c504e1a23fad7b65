"""The components of the reviewed run, made again from its manifest, to ask its model once more.

A manifest may be a stranger's. So no option of it names a file, starts a program or runs code of a model, and the page
shows the address before anything is sent to it. Flags of the command line replace what the manifest says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pgen.components import ROOT
from pgen.config import Parts, RunOptions, build, check_suited, create, resolve
from pgen.errors import ConfigError
from pgen.registry import registry
from pgen_review.checks import made
from pgen_review.results import Review

_KINDS = ("sampler", "prompt", "generator")
_NEVER_TAKEN = frozenset(("serve", "replicas", "trust_remote_code", "wait_for_server", "max_retries", "concurrency"))
"""Options of a manifest that start programs or run code, or that suit a run, but nobody who waits."""
_PATIENCE = {"max_retries": 2}
"""Options for somebody who waits, of generators that have them."""


def parts_of(review: Review, flags: Mapping[str, Any], opt: Sequence[str]) -> tuple[Parts, RunOptions]:
    """Return the components and options of the run; flags and `--opt` replace those of the manifest.

    Raises ConfigError where its generator cannot be asked again.
    """
    if review.is_segmentation:
        raise ConfigError(f"{review.folder} contains no dialogue about which a model could be asked again.")
    manifest, chosen = review.manifest, resolve(None, flags, opt)
    values: dict[str, Any] = {kind: _table(kind, manifest[kind], chosen.get(kind, {})) for kind in _KINDS}
    run = {name: value for name, value in manifest["run"].items() if name in RunOptions.model_fields}
    run |= {"output_dir": review.folder, "in_place": False, "on_check": "keep", "max_samples": None}
    values |= {**run, "source": {"name": review.source.name, ROOT: str(review.folder)}, "check": {}}
    config = build(values)
    parts = create(config, {"source": review.source, "check": made(manifest)})
    if parts.generator.defers:
        raise ConfigError(
            f"the generator {parts.generator.name} answers in batches, which nobody waits for; name another with "
            "--generator NAME."
        )
    check_suited(parts, config.run)
    parts.prompts.open()
    return parts, config.run


def address(parts: Parts) -> str:
    """Return where requests are sent to; empty for a generator in this process."""
    return ", ".join(getattr(parts.generator.options, "base_url", ()))


def _table(kind: str, described: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return a component's name and options: those that were chosen, or else those of the manifest."""
    name = str(described["name"])
    other = str(chosen.get("name", name)).partition(":")[0]
    if kind == "sampler" and name != other:
        return dict(chosen)
    cls: Any = registry().find(kind, other)
    fields = cls.Options.model_fields
    patient = {option: value for option, value in _PATIENCE.items() if option in fields}
    if other != name:
        return {**patient, **chosen}
    admitted = {
        option: described[option]
        for option, field in fields.items()
        if option in described and option not in _NEVER_TAKEN and Path not in _types(field.annotation)
    }
    named = {**admitted, **patient, "name": name, **chosen}
    argument = [cls.argument] if ":" in str(named["name"]) else []
    lacking = [option for option, field in fields.items() if field.is_required() and option not in [*named, *argument]]
    if not lacking:
        return named
    if kind == "sampler":  # where it chose its frames is in the lines
        return {}
    value = ":PATH" if cls.argument else ""
    raise ConfigError(
        f"the {kind} {name} of the run needs its option {lacking[0]}, which is not taken from a result; name another "
        f"one with --{kind} {name if value else 'NAME'}{value}."
    )


def _types(annotation: Any) -> tuple[Any, ...]:
    return annotation, *getattr(annotation, "__args__", ())
