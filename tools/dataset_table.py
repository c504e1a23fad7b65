"""Print the table of docs/datasets.md: the result of pgen for each dataset below a folder.

Each dataset is annotated by `template` (its task is its only skill where it has no skills.json) and verified.
Usage: dataset_table.py [--quick] FOLDER; --quick verifies without lerobot, and omits its notes.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pgen import PgenError, annotate
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify

HEAD = ("dataset", "version", "episodes, frames", "skills", "samples", "result", "notes")


def datasets(folder: Path) -> list[Path]:
    """Return every folder below `folder` that has a meta/info.json."""
    return sorted(path.parents[1] for path in folder.rglob("meta/info.json"))


def row(root: Path, name: str, out: Path, with_lerobot: bool) -> tuple[str, ...]:
    """Return a dataset's row: the result, or the refusal."""
    info = json.loads((root / "meta/info.json").read_text(encoding="utf-8"))
    skills = "auto" if (root / "meta/skills.json").is_file() else "task"
    version = str(info.get("codebase_version"))
    try:
        report = annotate(LeRobotSource(root=root, skills=skills), out, generator="template")
    except PgenError as error:
        return name, version, "", "", "", f"refused: {str(error).replace(f'{root}/', '')}", ""
    verified = verify(out, with_lerobot=with_lerobot)
    result = "sound" if verified.ok else "; ".join(map(str, verified.problems))
    notes = [f"{count} {note}" for note, count in report.notes.items()] + verified.notes
    size = f"{report.episodes}, {report.frames:,}"
    kind = "skills.json" if skills == "auto" else "the task"
    return name, version, size, kind, str(report.samples), result, "; ".join(notes)


def lines(folder: Path, with_lerobot: bool) -> Iterator[str]:
    """Yield the table line by line."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    for root in datasets(folder):
        with TemporaryDirectory(prefix="pgen-datasets-") as work:
            cells = row(root, root.relative_to(folder).as_posix(), Path(work) / "out", with_lerobot)
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--quick"]
    if len(arguments) != 1 or not datasets(Path(arguments[0])):
        sys.exit("usage: dataset_table.py [--quick] FOLDER, a folder with LeRobot datasets in it")
    warnings.simplefilter("ignore")
    for line in lines(Path(arguments[0]), with_lerobot="--quick" not in sys.argv):
        print(line, flush=True)


if __name__ == "__main__":
    main()
