"""The modules of the core and the plugins, and what each imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pgen
import pgen_lerobot

ROOTS = (Path(pgen.__file__).parents[1], Path(pgen_lerobot.__file__).parents[1])
MAIN = "pgen"
"""The package itself: its `__init__` imports the public names, and others take only `__version__` from it."""


@cache
def modules() -> dict[str, Path]:
    """Return the files of all modules of the core and the plugins by dotted name."""
    files = [(root, file) for root in ROOTS for file in root.glob("pgen*/**/*.py")]
    return {name_of(file.relative_to(root)): file for root, file in files}


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(name: str) -> dict[str, bool]:
    """Return the modules that a module imports, each with whether it does so only for type checkers."""
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    guarded = {id(node) for block in ast.walk(tree) if is_type_checking(block) for node in ast.walk(block)}
    targets: dict[str, bool] = {}
    for node in ast.walk(tree):
        for target in imported(node):
            targets[target] = targets.get(target, True) and id(node) in guarded
    targets.pop(name, None)
    return targets


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules() and alias.name != MAIN)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if full in modules() and alias.name not in exports(node.module):
                yield full
            elif node.module in modules() and node.module != MAIN:
                yield node.module


@cache
def exports(package: str) -> set[str]:
    """Return the names in `__all__` of a package, one of which may be a function with the name of its module."""
    statements = ast.parse(modules()[package].read_text(encoding="utf-8")).body if package in modules() else []
    lists = [
        node.value for node in statements if isinstance(node, ast.Assign) and ast.unparse(node).startswith("__all__ = ")
    ]
    return {str(name) for value in lists for name in ast.literal_eval(value)}


def constants(file: Path) -> Iterator[str]:
    """Yield the string constants of a module without its docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    yield from (node.value for node in constants if isinstance(node.value, str))
