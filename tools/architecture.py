"""Print the diagram of docs/architecture.md: the packages of the core and their imports, as Mermaid.

Usage: python tools/architecture.py
       python tools/architecture.py --write docs/architecture.md

An arrow from A to B means that a module of A imports a module of B. Arrows that follow from others are left out
(the transitive reduction), because the diagram is to show the layers.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[1]
BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```\n)", re.DOTALL)

type Graph = dict[str, set[str]]


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the absolute names of the modules that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_of(module: str) -> str | None:
    """Return the package or top-level module of the core that a module belongs to; None outside the core."""
    parts = module.split(".")
    if parts[0] != "pgen" or len(parts) == 1:
        return None
    name = parts[1]
    return name if (TOP / "pgen" / name).is_dir() or (TOP / "pgen" / f"{name}.py").is_file() else None


def core_graph() -> Graph:
    """Return the imports between the packages and modules of `pgen/`."""
    graph: Graph = {}
    for path in sorted((TOP / "pgen").rglob("*.py")):
        parts = path.relative_to(TOP / "pgen").with_suffix("").parts
        if parts == ("__init__",):
            continue
        targets = {package_of(module) for module in imported_modules(path)}
        graph.setdefault(parts[0], set()).update(name for name in targets if name and name != parts[0])
    return graph


def reachable(graph: Graph, start: str, without: str = "") -> set[str]:
    """Return what can be reached from `start`, not counting the direct arrow to `without`."""
    seen: set[str] = set()
    stack = [name for name in graph[start] if name != without]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack.extend(graph[name])
    return seen


def reduced(graph: Graph) -> Graph:
    """Return the graph without the arrows that follow from others."""
    return {
        name: {target for target in targets if target not in reachable(graph, name, without=target)}
        for name, targets in graph.items()
    }


def mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart."""
    arrows = [f"    {name} --> {target}\n" for name in sorted(graph) for target in sorted(graph[name])]
    return "flowchart TD\n" + "".join(arrows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="replace the diagram in this page")
    page: Path | None = parser.parse_args().write
    diagram = mermaid(reduced(core_graph()))
    if page is None:
        print(diagram, end="")
    else:
        page.write_text(BLOCK.sub(lambda _: diagram, page.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
