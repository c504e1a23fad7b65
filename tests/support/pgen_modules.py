"""The modules of pgen and its plugins, for processes that are forked from one that has imported them."""

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

HEAVY = ("pgen_qwen_transformers", "pgen_ray")
"""Their modules import torch or Ray."""


def names() -> tuple[str, ...]:
    """Return all of them, except those that are heavy and those that run a command."""
    plugins = sorted({entry.module for entry in entry_points(group="pgen")} - {*HEAVY})
    return tuple(name for package in ("pgen", *plugins) for name in _modules(package))


def _modules(package: str) -> list[str]:
    spec = find_spec(package)
    assert spec
    (folder,) = map(Path, spec.submodule_search_locations or ())
    files = (path.relative_to(folder.parent).with_suffix("") for path in folder.rglob("*.py"))
    return sorted(".".join(file.parts).removesuffix(".__init__") for file in files if file.name != "__main__")
