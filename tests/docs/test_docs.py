"""The pages say what is so: their commands and code run, their links lead somewhere, and nothing is left out."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from inspect import getsource

import click
import pages
import pytest
from needed import need
from pages import PAGES, TOP, Folder, blocks, shell_commands
from rendered_example import write_example

import pgen
import pgen.testing
from pgen import errors, hookspecs
from pgen.cli import cli
from pgen.formats.schemas import load
from pgen.registry import Registry

DOCS = TOP / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("docs") / "my-dataset")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_read_from_top_to_bottom_runs_and_prints_what_it_shows(path, dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "my-dataset")
    need(*Folder(tmp_path).run(path))


def test_a_page_that_shows_something_else_is_noticed(tmp_path):
    wrong = tmp_path / "wrong.md"
    (tmp_path / "folder").mkdir()
    wrong.write_text("```console\n$ pgen --version\npgen 99\n```\n")
    with pytest.raises(AssertionError, match=r"(?s)pgen 0\..*instead of.*pgen 99"):
        Folder(tmp_path / "folder").run(wrong)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_between_pages_lead_to_a_file_and_a_heading(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), f"{path.name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{path.name} links to {target}"


def anchors(path):
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_commands_that_are_named_but_not_run_are_at_least_valid():
    script = subprocess.run([sys.executable, TOP / "annotate_pgen.py", "--help"], capture_output=True, text=True)
    for name, command in shell_commands():
        if command[:2] == ["python", "annotate_pgen.py"]:
            assert {part for part in command if part.startswith("--")} <= set(re.findall(r"--[\w-]+", script.stdout))
        elif command[0] == "make":
            assert command[1] in targets(), f"{name}: {command}"
        elif command[0] == "python":
            assert (TOP / command[1]).is_file(), f"{name}: {command}"
        else:
            assert command[0] == "pgen", f"{name}: {command}"
            found = cli.get_command(click.Context(cli), command[1])
            assert found, f"{name}: {command}"
            found.make_context(command[1], command[2:])


def targets():
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_make_targets_that_are_named_exist():
    for path in PAGES:
        for command in re.findall(r"`make ([a-z -]+)", path.read_text(encoding="utf-8")):
            assert set(command.split()) <= targets(), f"{path.name}: make {command}"


def test_every_hook_is_documented_with_its_signature():
    signatures = re.findall(r"^def (pgen_\w+\(.*\) -> .*):$", getsource(hookspecs), re.MULTILINE)
    assert len(signatures) == getsource(hookspecs).count("@hookspec\n")
    for signature in signatures:
        assert f"`{signature.replace('"', '')}`" in page("plugins.md")


def test_every_hook_is_implemented_by_a_plugin_that_a_test_runs():
    code = "".join(block.text for block in blocks(DOCS / "plugins.md") if block.file)
    run = "".join(block.text for block in blocks(DOCS / "plugins.md") if block.language == "console")
    for hook in re.findall(r"^def (pgen_\w+)\(", getsource(hookspecs), re.MULTILINE):
        assert f"def {hook}():" in code
    for name in re.findall(r'^    name = "([\w-]+)"$', code, re.MULTILINE):
        assert f" {name} " in run, f"nothing uses {name}"


def test_every_public_name_is_in_the_pages():
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    missing = [name for name in pgen.__all__ if not re.search(rf"`{name}\b", text)]
    assert missing == []


def test_every_name_of_the_testing_module_is_in_the_pages():
    assert [name for name in pgen.testing.__all__ if f"`{name}`" not in page("plugins.md")] == []


def test_the_readme_lists_every_component_that_comes_with_pgen():
    ours = Registry(point for point in entry_points(group="pgen") if point.dist and point.dist.name == "lerobot-pgen")
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+)[\w ]*: .*? \| `--\w+` \| (.*) \|$", readme, re.MULTILINE))
    for kind in hookspecs.HOOKS:
        for name in ours.components(kind):
            assert f"`{name}`" in rows[kind], f"{kind} {name}"


def test_every_key_of_a_line_and_of_the_manifest_is_documented(dataset, tmp_path):
    pgen.annotate(dataset, tmp_path / "out", generator="template", max_samples=1)
    manifest = json.loads((tmp_path / "out/meta/pgen/manifest.json").read_text())
    for key in [*load("syn_annotation")["properties"], *manifest]:
        assert f"`{key}`" in page("outputs.md"), key


def test_every_exit_code_is_documented():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, pgen.PgenError)]
    listed = set(re.findall(r"\d+", " ".join(re.findall(r"^\| ([\d, ]+) \|", page("runs.md"), re.MULTILINE))))
    assert {str(kind.exit_code) for kind in kinds if "exit_code" in vars(kind)} <= listed


def test_the_benchmarks_run_by_name_and_an_unknown_one_is_refused():
    run = [sys.executable, pages.TOP / "benchmarks/run.py"]
    told = subprocess.run([*run, "labels"], capture_output=True, text=True, check=True).stdout
    assert "labels (python benchmarks/labels.py)" in told
    refused = subprocess.run([*run, "label"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "help_time, in_flight, labels" in refused.stderr


def test_the_table_of_faults_has_the_rows_that_the_suite_counts():
    suite = "".join(path.read_text(encoding="utf-8") for path in sorted((TOP / "tests/faults").glob("test_*.py")))
    counted = set(re.findall(r'tally\.add\(\s*"([^"]+)"', suite))
    listed = {row.split(" | ")[0].removeprefix("| ") for row in page("faults.md").splitlines() if row.startswith("| ")}
    assert listed - {"fault"} == counted
