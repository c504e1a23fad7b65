"""Invalid invocations of the command line, by name: each ends with an exit code other than 0 and a message."""

import json
import shutil
from pathlib import Path


def invalid_invocations(root: Path, place: Path) -> dict[str, list[str]]:
    """Command lines, with the files that they name made below `place`; `root` is a sound dataset with skills."""
    place.mkdir()
    text = place / "notes.txt"
    text.write_text("not a dataset\n", encoding="utf-8")
    lines = place / "labeled.jsonl"
    lines.write_text('{"episode_id": "a"}\n', encoding="utf-8")
    runfile = place / "run.toml"
    runfile.write_text("sed = 3\n", encoding="utf-8")
    broken = place / "broken.toml"
    broken.write_text("seed = = 3\n", encoding="utf-8")
    existing = place / "exists"
    existing.mkdir()
    bare = place / "bare"
    shutil.copytree(root, bare)
    for name in ("skills.json", "subtasks.parquet"):
        (bare / "meta" / name).unlink()
    newer = place / "newer"
    shutil.copytree(root, newer)
    info = json.loads((newer / "meta/info.json").read_bytes())
    (newer / "meta/info.json").write_text(json.dumps({**info, "codebase_version": "v9.0"}), encoding="utf-8")

    def annotate(*more: str, source: Path = root, generator: str = "template") -> list[str]:
        out = ["--output-dir", str(place / "out")]
        return ["annotate", "--root", str(source), *out, "--generator", generator, *more]

    def segment(*more: str) -> list[str]:
        return ["segment", "--root", str(bare), "--output-dir", str(place / "out"), *more]

    return {
        "no arguments": ["annotate"],
        "no generator": ["annotate", "--root", str(root), "--output-dir", str(place / "out")],
        "no output": ["annotate", "--root", str(root), "--generator", "template"],
        "segment without a dataset": ["segment", "--output-dir", str(place / "out")],
        "missing root": annotate(source=place / "nowhere"),
        "root is a text file": annotate(source=text),
        "incomplete line": annotate(source=lines),
        "no skills": annotate(source=bare),
        "unknown format version": annotate(source=newer),
        "output exists": [*annotate()[:4], str(existing), "--generator", "template"],
        "output inside the input": [*annotate()[:4], str(root / "out"), "--generator", "template"],
        "misspelt generator": annotate(generator="templte"),
        "misspelt sampler": annotate("--sampler", "segmnts"),
        "misspelt prompt": annotate("--prompt", "hi-robots"),
        "misspelt sink": annotate("--sink", "lerobt"),
        "misspelt check": annotate("--check", "groundin"),
        "misspelt executor": annotate("--executor", "rai"),
        "misspelt flag": annotate("--sample-intervall", "2"),
        "unknown option": annotate("--opt", "generator.temprature=1"),
        "option without a value": annotate("--opt", "generator.concurrency"),
        "option of an unknown kind": annotate("--opt", "modell.concurrency=1"),
        "option out of range": annotate("--opt", "generator.concurrency=0"),
        "interval is negative": annotate("--sample-interval", "-1"),
        "interval is no number": annotate("--sample-interval", "often"),
        "failures above one": annotate("--max-failures", "3"),
        "no attempts": annotate("--attempts", "0"),
        "no variants": annotate("--variants", "0"),
        "unknown episodes": annotate("--episodes", "900-901"),
        "episodes backwards": annotate("--episodes", "5-2"),
        "unknown camera": annotate("--camera", "observation.images.none"),
        "unknown skills": annotate("--skills", "everywhere"),
        "unknown language": annotate("--language", "x?"),
        "template judges": annotate("--judge", "template"),
        "two turns": annotate("--turns", "always"),
        "run file with an unknown key": annotate("--config", str(runfile)),
        "run file that is no TOML": annotate("--config", str(broken)),
        "missing prompt file": annotate("--prompt", f"file:{place / 'none.txt'}"),
        "journal in no folder": annotate("--journal", str(place / "none/journal.sqlite")),
        "misspelt segmenter": segment("--segmenter", "griper"),
        "schema of no name": ["schema", "skils"],
        "plugin of no name": ["plugins", "show", "templat"],
        "verify a text file": ["verify", str(text)],
        "repair an unannotated dataset": ["repair", str(bare)],
        "report of no result": ["report", str(bare)],
        "unknown command": ["anotate"],
    }
