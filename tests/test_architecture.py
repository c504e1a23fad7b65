"""The import rules of docs/architecture.md, checked on the syntax trees of all modules."""

import re
from collections.abc import Iterator
from pathlib import Path

from import_graph import MAIN, ROOTS, constants, imports, modules

from pgen.hookspecs import HOOKS
from pgen.registry import registry

GLOSSARY = Path(__file__).parents[1] / "docs/glossary.md"

LAYERS = (
    ("pgen.safety.redaction", "pgen.safety.key_forms", "pgen.languages"),
    ("pgen.errors",),
    ("pgen.records", "pgen.seeds"),
    ("pgen.safety", "pgen.formats.lfs_pointers"),
    ("pgen.storage",),
    ("pgen.labels",),
    ("pgen.components",),
    ("pgen.formats", "pgen.media"),
    ("pgen.inference",),
    ("pgen.hookspecs",),
    ("pgen.registry",),
    ("pgen.config",),
    ("pgen.run",),
    ("pgen.cli",),
    ("pgen.api", "pgen.testing"),
    (MAIN,),
)
"""From the lowest to the highest; a module belongs to the longest name that it begins with, plugins lie above all."""

FORBIDDEN = {"pgen.components": ("pgen.inference", "pgen.run", "pgen.storage")}
"""Packages that a package must not import, though they may be lower."""

PLUGIN_IMPORTS = {
    "pgen_demo": ("pgen_lerobot",),
    "pgen_replay": ("pgen_lerobot",),
    "pgen_results": ("pgen_dialogue", "pgen_lerobot"),
    "pgen_review": ("pgen_dialogue", "pgen_lerobot", "pgen_results", "pgen_segment"),
    "pgen_segment": ("pgen_dialogue", "pgen_lerobot"),
}
"""Plugins that use another one: the LeRobot format, utilities for English and dialogue, or the reading of results."""

WORDS = ("lerobot", "jsonl", "qwen", "openai", "transformers", "hi-robot", "gripper", "vlm", "ray")
"""Names of plugins and components that the core must not contain, except in docstrings."""

ALLOWED = {"lerobot", "transformers", "annotate --segment", "annotate --segment --in-place"}
"""Names of Python packages whose versions the manifest has, and commands as journals record them."""

TYPES_ONLY = {
    ("pgen", "pgen_lerobot.read"): "so that type checkers know `pgen.open`, which comes from the hook `pgen_names`",
}
"""Imports for type checkers that may break the rules, with the reason."""


def pairs() -> Iterator[tuple[str, str]]:
    """Yield each import between modules as importer and imported module, without those that are exempt."""
    for name in modules():
        for target, for_types in imports(name).items():
            if not (for_types and (name, target) in TYPES_ONLY):
                yield name, target


def plugin_of(name: str) -> str:
    return name.partition(".")[0]


def is_core(name: str) -> bool:
    return within(name, MAIN)


def layer_of(name: str) -> int:
    """Return the position in LAYERS of the longest name that contains a module."""
    if not is_core(name):
        return len(LAYERS)
    names = [
        (len(prefix), layer) for layer, prefixes in enumerate(LAYERS) for prefix in prefixes if within(name, prefix)
    ]
    return max(names)[1]


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_every_core_module_has_a_layer():
    assert [name for name in modules() if is_core(name) and name != MAIN and layer_of(name) == layer_of(MAIN)] == []


def test_no_module_imports_from_a_higher_layer():
    assert [f"{a} imports {b}" for a, b in pairs() if layer_of(b) > layer_of(a)] == []


def test_no_package_imports_what_is_forbidden_to_it():
    assert [
        f"{a} imports {b}"
        for a, b in pairs()
        for package, forbidden in FORBIDDEN.items()
        if within(a, package) and any(within(b, other) for other in forbidden)
    ] == []


def test_there_is_no_import_cycle():
    graph: dict[str, list[str]] = {name: [] for name in modules()}
    for a, b in pairs():
        graph[a].append(b)
    assert [" -> ".join(cycle) for cycle in cycles(graph)] == []


def cycles(graph: dict[str, list[str]]) -> Iterator[list[str]]:
    """Yield a cycle for each edge that leads back into the path of a depth-first search."""
    done: set[str] = set()
    for start in graph:
        path, stack = [start], [iter(graph[start])]
        while stack and start not in done:
            target = next(stack[-1], None)
            if target is None:
                stack.pop()
                done.add(path.pop())
            elif target in path:
                yield [*path[path.index(target) :], target]
            elif target not in done:
                path.append(target)
                stack.append(iter(graph[target]))


def test_plugins_import_only_the_plugins_listed():
    assert [
        f"{a} imports {b}"
        for a, b in pairs()
        if not is_core(a)
        and not is_core(b)
        and plugin_of(b) not in (plugin_of(a), *PLUGIN_IMPORTS.get(plugin_of(a), ()))
    ] == []


def test_each_listed_import_between_plugins_exists():
    used = {(plugin_of(a), plugin_of(b)) for a, b in pairs()}
    assert [(a, b) for a, names in PLUGIN_IMPORTS.items() for b in names if (a, b) not in used] == []


def test_the_core_contains_no_name_or_flag_of_a_plugin():
    plugins = {plugin_of(name) for name in modules() if not is_core(name)} - {*HOOKS.values()}
    flags = [flag.name for flag in registry().flags.values()] + [step.flag for step in registry().steps()]
    pattern = re.compile(rf"(?<![\w.-])({'|'.join([*plugins, *WORDS, *flags])})(?![\w-])")
    assert [
        f"{name}: {text!r}"
        for name in modules()
        if is_core(name)
        for text in constants(modules()[name])
        if text not in ALLOWED and pattern.search(text)
    ] == []


def test_packages_are_used_through_their_init():
    assert [f"{a} imports {b}" for a, b in pairs() if is_private(a, b)] == []


PRIVATE = (
    "pgen.cli",
    "pgen.components",
    "pgen.config",
    "pgen.labels",
    "pgen.media",
    "pgen.testing",
    "pgen_lerobot.format",
    "pgen_lerobot.read",
    "pgen_lerobot.skills",
    "pgen_lerobot.verify",
    "pgen_lerobot.write",
    "pgen_lerobot.write.other_forms",
)
"""Packages whose modules only the package itself imports; others use what its `__init__` exports.

Plugins use only the packages of another plugin, whatever it is."""


def is_private(name: str, target: str) -> bool:
    if not is_core(target) and plugin_of(name) != plugin_of(target):
        return modules()[target].name != "__init__.py"
    return target not in PRIVATE and any(within(target, p) and not within(name, p) for p in PRIVATE)


def test_the_core_has_about_twenty_entries():
    entries = [path.name for path in ROOTS[0].joinpath("pgen").iterdir() if path.name[0] not in "._" or path.suffix]
    assert len(entries) <= 21, sorted(entries)


def test_the_glossary_lists_every_module():
    listed = re.findall(r"^\| `(pgen[\w.]*)` \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(modules()), "run python tools/glossary.py --write docs/glossary.md"
