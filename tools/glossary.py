"""Print the table of modules of docs/glossary.md: each module with the first sentence of its docstring.

Usage: python tools/glossary.py
       python tools/glossary.py --write docs/glossary.md
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[1]
TABLE = re.compile(r"(?<=\| module \| content \|\n\|---\|---\|\n)(?:\|.*\n)*")
SENTENCE = re.compile(r"(.+?)(?:\.(?=\s|$)|;|\Z)", re.DOTALL)


def rows() -> Iterator[str]:
    """Yield a row of the table for each module of the core and the plugins."""
    for root, pattern in ((TOP, "pgen/**/*.py"), (TOP / "plugins", "pgen_*/**/*.py")):
        for path in sorted(root.glob(pattern)):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            sentence = SENTENCE.match(docstring)
            content = " ".join(sentence[1].split()).replace("|", "\\|") if sentence else ""
            yield f"| `{name}` | {content} |\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="replace the table in this page")
    page: Path | None = parser.parse_args().write
    table = "".join(rows())
    if page is None:
        print(table, end="")
    else:
        page.write_text(TABLE.sub(lambda _: table, page.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
