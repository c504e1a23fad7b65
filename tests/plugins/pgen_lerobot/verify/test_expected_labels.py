"""`verify` compares the exchanges with the annotations and the skills, and says what it cannot compare."""

import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchange_helpers import with_exchanges
from former_output import former
from mutations import DATA, cell, content, gone, line, table
from sink_helpers import dataset, texts

from pgen_lerobot.format import COLUMN, EXCHANGES, MANIFEST
from pgen_lerobot.repair import repair
from pgen_lerobot.verify import verify

LINES = "meta/syn_annotations.jsonl"
FORBIDDEN = "take the Green_Brick"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    return with_exchanges(dataset(folder / "in", cameras=()), folder / "out", excluded="the green brick")


@pytest.fixture
def root(good, tmp_path):
    return shutil.copytree(good, tmp_path / "out")


def problems(root):
    return [str(problem) for problem in verify(root, with_lerobot=False).problems]


def skills(root, change):
    """Change the skills of episode 0, in the dataset and in the lines of its annotations."""
    content("meta/skills.json", lambda all_skills: change(all_skills["episodes"]["0"]["skills"]) and None)(root)


def renamed(root):
    skills(root, lambda spans: spans[1].update(name="drop"))


def uses_what_is_forbidden(root):
    """Rename a skill consistently, so that only its meaning contradicts the constraint."""
    skills(root, lambda spans: spans[1].update(name=FORBIDDEN))
    path = root / LINES
    path.write_text(path.read_text().replace('"grasp"', f'"{FORBIDDEN}"'))

    def rename(old):
        field = old.schema.field("skills")
        names = [[FORBIDDEN if name == "grasp" else name for name in cell] for cell in old["skills"].to_pylist()]
        return old.set_column(old.column_names.index("skills"), field, pa.array(names, field.type))

    table(EXCHANGES, rename)(root)


CHANGES = {
    "a label that is of another exchange in force": (
        lambda root: cell(DATA, COLUMN, 6, other_in_force(root, 6))(root),
        rf"{DATA}, row 6, column {COLUMN}: found \d+ '.*expected \d+ '",
    ),
    "a frame of an exchange": (cell(EXCHANGES, "stop", 0, 11), rf"{EXCHANGES}, row 0: stop is 11, .* give 12 "),
    "the scope of an exchange": (
        cell(EXCHANGES, "scope", 2, "phase"),
        rf"{EXCHANGES}, row 2: scope is 'phase', ",
    ),
    "the skills of an exchange": (
        cell(EXCHANGES, "skills", 1, ["reach"]),
        rf"{EXCHANGES}, row 1: skills is \['reach'\], the annotations give \['reach', 'grasp'\]",
    ),
    "the task of an exchange": (cell(EXCHANGES, "task_index", 3, 2), rf"{EXCHANGES}, row 3: task_index is 2"),
    "a type of an exchange": (cell(EXCHANGES, "response_type", 3, "x"), rf"{EXCHANGES}, row 3: response_type is 'x'"),
    "an exchange less": (
        table(EXCHANGES, lambda t: t.slice(0, len(t) - 1)),
        rf"{EXCHANGES}, row \d+: the row is missing",
    ),
    "an exchange twice": (
        table(EXCHANGES, lambda t: pa.concat_tables([t, t.slice(len(t) - 1)])),
        rf"{EXCHANGES}, row \d+: the annotations give no further exchange",
    ),
    "the table gone": (
        gone(EXCHANGES),
        rf"{EXCHANGES}, row 0: the row is missing; .* give more exchanges",
    ),
    "the table of another form": (
        table(EXCHANGES, lambda t: t.drop_columns("scope")),
        rf"{EXCHANGES} has no column scope; `pgen repair` writes it again",
    ),
    "the frames that a line states": (
        line(2, lambda it: it.update(stop=11)),
        rf"{LINES}, row 2: the exchange is in force over the frames \(0, 12\), the line says \(0, 11\)",
    ),
    "a skill that was renamed": (
        renamed,
        rf"{LINES}, row \d+: the episode exchange of frame 0 leads to skills that follow no more",
    ),
    "a skill that a standing exchange forbids": (
        uses_what_is_forbidden,
        rf"{LINES}, row \d+: the standing exchange of frame 0 forbids the green brick, which '{FORBIDDEN}' uses",
    ),
}


def other_in_force(root, row):
    """Return the label of another exchange that is in force at a frame of episode 0."""
    label = pq.read_table(root / DATA).column(COLUMN)[row].as_py()
    rows = pq.read_table(root / EXCHANGES).to_pylist()
    in_force = (it for it in rows if it["episode_index"] == 0 and it["start"] <= row < it["stop"])
    return next(it["task_index"] for it in in_force if it["task_index"] != label)


def test_exchanges_of_every_scope_pass(root):
    assert problems(root) == []
    assert verify(root, with_lerobot=False).notes == []


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_reported_where_it_is(root, change, reason):
    change(root)
    reported = problems(root)
    assert any(re.search(reason, problem) for problem in reported), reported


def test_a_manifest_that_does_not_say_how_frames_were_labelled_is_a_note(root):
    content(MANIFEST, lambda manifest: manifest["run"].pop("scopes") and None)(root)
    cell(DATA, COLUMN, 6, other_in_force(root, 6))(root)
    done = verify(root, with_lerobot=False)
    assert (
        f"{MANIFEST} does not say how frames were labelled, so the labels and {EXCHANGES} were not checked"
        in done.notes
    )


def test_a_former_output_of_one_wording_is_checked_without_the_table(tmp_path):
    out = former(dataset(tmp_path / "in", cameras=()), tmp_path / "out", variants=1)
    done = verify(out, with_lerobot=False)
    assert done.problems == []
    assert done.notes == [
        f"the dataset was annotated before exchanges had scopes: it has no {EXCHANGES}, and its labels were checked as "
        "those of single skills; `pgen repair` writes the table"
    ]
    cell(DATA, COLUMN, 6, 2)(out)
    assert any(f"{DATA}, row 6, column {COLUMN}: found 2" in problem for problem in problems(out))


def test_of_a_former_output_of_several_wordings_the_lines_are_checked_and_a_note_says_so(tmp_path):
    out = former(dataset(tmp_path / "in", cameras=()), tmp_path / "out", variants=2)
    done = verify(out, with_lerobot=False)
    assert done.problems == []
    (note,) = done.notes
    assert "which wording labels a frame was not checked" in note
    renamed(out)
    assert any(f"{LINES}, row " in problem and "is not 'grasp'" in problem for problem in problems(out))


@pytest.mark.parametrize("variants", [1, 2])
def test_a_former_output_has_exchanges_and_is_checked_in_full_once_it_is_repaired(tmp_path, variants):
    out = former(dataset(tmp_path / "in", cameras=()), tmp_path / "out", variants=variants)
    repair(out)
    done = verify(out, with_lerobot=False)
    assert (done.problems, done.notes) == ([], [])
    rows = pq.read_table(out / EXCHANGES).to_pylist()
    assert {row["scope"] for row in rows} == {"step"}
    assert {row["variant"] for row in rows} == {*range(variants)}
    run = json.loads((out / MANIFEST).read_text())["run"]
    assert (run["variants"], run["speech"], run["silence"]) == (variants, "hold", 0.0)
    assert len(texts(out)) > 2
