"""Record what a restructuring must not change, as JSON, to be compared between two checkouts.

Usage: python tests/pins/pins.py PINS.json DATASETS
       python tests/pins/pins.py --compare BEFORE.json AFTER.json

It uses only the command line and the public API, so that the same file runs in both checkouts: journal keys,
seeds and hashes of every prompt, 200 dialogues of `template`, the files of three outputs, and the exit code and
message of 40 invalid invocations. DATASETS is the folder with the real datasets (PGEN_DATASETS of the tests).
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from click.testing import CliRunner
from invocations import invalid_invocations

import pgen
from pgen.cli import cli
from pgen.seeds import journal_key, sample_key
from pgen.testing import FakeGenerator

SIMULATED = "sim_pickplace_so101_v30"
REAL = "cr5_realarm_v21_8ep"
DIALOGUES = 200
VOLATILE = re.compile(r"seconds|^began$")
"""Keys of a manifest whose values differ between two runs of the same command."""


class Recording(FakeGenerator):
    """Answers as FakeGenerator does and records each request: keys, seed and a hash of the prompt."""

    def __init__(self) -> None:
        super().__init__(concurrency=1)
        self.recorded: list[list[Any]] = []

    async def generate(self, request: Any) -> Any:
        prompt = request.prompt
        text = json.dumps([prompt.system, prompt.text, dict(prompt.schema)], sort_keys=True)
        pictures = hashlib.sha256(b"".join(image.jpeg for image in request.images)).hexdigest()
        keys = sample_key(request.sample), journal_key(request.sample).hex()
        self.recorded.append([*keys, request.seed, hashlib.sha256(text.encode()).hexdigest(), pictures])
        return await super().generate(request)


def run(*arguments: str) -> str:
    """Run a command that must succeed; what it printed."""
    result = CliRunner().invoke(cli, list(arguments))
    if result.exit_code:
        raise SystemExit(f"pins: pgen {' '.join(arguments)}: exit {result.exit_code}\n{result.output}")
    return result.output


def requests(datasets: Path, place: Path) -> dict[str, list[list[Any]]]:
    """The requests of four runs, in the order of their keys."""
    variants: dict[str, dict[str, Any]] = {
        "default": {},
        "seed prompt": {"prompt": "seed"},
        "variants": {"variants": 3},
        "conversation": {"turns": "episode"},
    }
    recorded = {}
    for name, options in variants.items():
        generator = Recording()
        root = datasets / SIMULATED
        pgen.annotate(root, place / f"requests-{name}", generator=generator, checks=[], **options)
        recorded[name] = sorted(generator.recorded)
    return recorded


def dialogues(datasets: Path, place: Path) -> list[list[str]]:
    """The first 200 dialogues that `template` writes for the simulated dataset."""
    out = place / "dialogues"
    run("annotate", "--root", str(datasets / SIMULATED), "--output-dir", str(out), "--generator", "template",
        "--sampler", "every-frame", "--max-samples", str(DIALOGUES), "--max-failures", "1")  # fmt: skip
    lines = (out / "meta/syn_annotations.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [[str(record.get("user_prompt")), str(record.get("robot_utterance"))] for record in records]


def outputs(datasets: Path, place: Path) -> dict[str, dict[str, str]]:
    """A hash of every file of three outputs: v3.0, v2.1 and lines."""
    chosen = {
        "v3.0": ["--root", str(datasets / SIMULATED)],
        "v2.1": ["--root", str(datasets / REAL), "--skills", "task", "--variants", "2"],
        "lines": ["--root", str(datasets / SIMULATED), "--sink", "jsonl"],
    }
    hashes = {}
    for name, arguments in chosen.items():
        out = place / f"output-{name}"
        run("annotate", *arguments, "--output-dir", str(out), "--generator", "template", "--max-failures", "1")
        files = (path for path in sorted(out.rglob("*")) if path.is_file())
        known = {str(datasets): "DATASETS", str(place): "PLACE"}
        hashes[name] = {path.relative_to(out).as_posix(): content(path, known) for path in files}
    return hashes


def content(path: Path, known: dict[str, str]) -> str:
    """A hash of a file: of tables their values and schema, of JSON all but what differs between two runs."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        data = (str(table.schema) + str(table.schema.metadata) + str(table.to_pydict())).encode()
    elif path.name == "manifest.json":
        data = json.dumps(stable(json.loads(path.read_bytes())), sort_keys=True).encode()
    elif path.name == "README.md":
        data = re.sub(r"\d{4}-\d\d-\d\d", "DATE", path.read_text(encoding="utf-8")).encode()
    else:
        data = path.read_bytes()
    for folder, name in known.items():
        data = data.replace(folder.encode(), name.encode())
    return hashlib.sha256(data).hexdigest()


def stable(value: Any) -> Any:
    """A JSON value without the keys that differ between two runs."""
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if not VOLATILE.search(key) and key != "versions"}
    return [stable(item) for item in value] if isinstance(value, list) else value


def refusals(datasets: Path, place: Path) -> dict[str, list[Any]]:
    """Exit code and message of each invalid invocation, with the folder's name replaced."""
    results = {}
    for name, arguments in invalid_invocations(datasets / SIMULATED, place / "refused").items():
        result = CliRunner().invoke(cli, arguments)
        text = result.output.replace(str(place), "PLACE").replace(str(datasets), "DATASETS")
        results[name] = [result.exit_code, text]
    return results


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """The places at which two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key), after.get(key), f"{where}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, f"{where}/{position}")
    elif before != after:
        yield f"{where}: {before!r}, now {after!r}"


def main() -> None:
    if sys.argv[1] == "--compare":
        before, after = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[2:])
        different = list(differences(before, after))
        print("\n".join(different) or "identical")
        sys.exit(bool(different))
    target, datasets = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    place = Path(tempfile.mkdtemp(prefix="pins-"))
    try:
        pins = {part.__name__: part(datasets, place) for part in (requests, dialogues, outputs, refusals)}
        target.write_text(json.dumps(pins, indent=1, ensure_ascii=False), encoding="utf-8")
    finally:
        shutil.rmtree(place)
    print({name: len(part) for name, part in pins.items()})


if __name__ == "__main__":
    main()
