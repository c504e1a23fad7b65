"""`pgen push` puts an output on the Hub: a stand-in on the loopback, which a real huggingface_hub talks to."""

import json
import sys
from itertools import count
from tempfile import TemporaryFile

import pytest
from forked import run_lerobot, start_pgen
from hub_helpers import MAIN, UNREACHABLE, annotated, environment, pgen, refused
from hub_server import TOKEN, served
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import annotate, dataset, results, snapshot

from pgen.errors import InputError
from pgen_lerobot.format import Dataset
from pgen_lerobot.write import pushed_card
from pgen_lerobot.write.card import BEGIN, END

ID = "me/bricks-dialogue"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pushed")
    return annotate(dataset(folder / "bricks", codec="h264"), folder / "out")


@pytest.fixture
def hub():
    with served() as running:
        yield running


def holds(repo, root, revision="main"):
    """Whether the repository holds the folder's files as they are, but for the card."""
    local = {name: (root / name).read_bytes() for name in snapshot(root) if name != "README.md"}
    remote = {
        name: content for name, content in repo.tree(revision).items() if name not in ("README.md", ".gitattributes")
    }
    return local == remote


def killed(hub, home, out, when, code=MAIN):
    """Push in a process that is killed as soon as the Hub is asked for what `when` says."""
    command = [sys.executable, "-c", code, "push", str(out), ID]
    with TemporaryFile("w+") as printed:
        process = start_pgen(command, printed, environment(hub, home))

    def cut(method, path):
        if when(method, path):
            process.kill()
            return True
        return False

    hub.cut = cut
    code = process.wait()
    hub.cut = lambda method, path: False
    assert code == -9


def test_a_dataset_with_skills_and_no_dialogue_is_pushed_with_a_card_that_says_so(hub, tmp_path):
    root = dataset(tmp_path / "bricks", codec="h264")
    pgen(hub, tmp_path / "home", "segment", "--root", root, "--output-dir", tmp_path / "out", "--overwrite")
    pgen(hub, tmp_path / "home", "push", tmp_path / "out", ID)
    assert holds(hub.repos[ID], tmp_path / "out")
    card = hub.repos[ID].tree("main")["README.md"].decode()
    assert "Found by pgen with the segmenter gripper" in card
    again = pgen(hub, tmp_path / "home", "push", tmp_path / "out", ID)
    assert again.returncode == 0


def test_a_push_makes_the_repository_with_every_file_and_the_tag_of_the_version(hub, out, tmp_path):
    before = snapshot(out)
    done = pgen(hub, tmp_path / "home", "push", out, ID)
    assert done.returncode == 0, done.stderr
    repo = hub.repos[ID]
    assert holds(repo, out, "v3.0")
    assert not repo.private
    assert f"to {hub.url}/datasets/{ID}" in done.stdout
    assert "tagged     v3.0" in done.stdout
    assert snapshot(out) == before
    card = repo.tree()["README.md"].decode()
    assert "- pgen\n" in card.split("---")[1]
    assert "- Source: the folder bricks." in card
    assert "| skill | user prompt | robot utterance |" in card


@pytest.mark.needs("lerobot")
def test_what_was_pushed_comes_back_by_its_id_and_lerobot_opens_it(hub, out, tmp_path):
    assert pgen(hub, tmp_path / "home", "push", out, ID).returncode == 0
    code = (
        "from lerobot.datasets.lerobot_dataset import LeRobotDataset as D\n"
        f"d = D({ID!r}, video_backend='pyav')\n"
        "print('read', len(d), d.meta.tasks.iloc[int(d[6]['task_index_high_level'])].name)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = run_lerobot(command, environment(hub, tmp_path / "lerobot"))
    assert "read 43 Please grasp" in done.stdout, done.stderr


def test_a_private_push_makes_a_private_repository_and_refuses_a_public_one(hub, out, tmp_path):
    assert pgen(hub, tmp_path / "home", "push", out, ID, "--private").returncode == 0
    assert hub.repos[ID].private
    hub.repos[ID].private = False
    done = pgen(hub, tmp_path / "home", "push", out, ID, "--private")
    assert done.returncode == 2
    assert "exists and is public" in done.stderr


@pytest.mark.parametrize(
    "when",
    [
        lambda method, path: "/preupload/" in path,
        lambda method, path: method == "PUT",
        lambda method, path: "/commit/" in path,
        lambda method, path: "/tag/" in path,
    ],
    ids=["before the upload", "in the upload", "before the commit", "before the tag"],
)
def test_a_push_that_was_killed_and_started_again_ends_whole(hub, out, tmp_path, when):
    killed(hub, tmp_path / "home", out, when)
    assert "v3.0" not in hub.repos[ID].tags
    done = pgen(hub, tmp_path / "home", "push", out, ID)
    assert done.returncode == 0, done.stderr
    assert holds(hub.repos[ID], out, "v3.0")


@pytest.mark.parametrize("address", UNREACHABLE)
def test_a_push_to_a_hub_that_cannot_be_reached_ends_in_one_sentence(hub, out, tmp_path, address):
    sentence = refused(pgen(hub, tmp_path / "home", "push", out, ID, HF_ENDPOINT=address))
    assert f"the push to {ID} is not finished" in sentence


@pytest.mark.parametrize("part", ["/repos/create", "/commit/", "/tag/"])
def test_a_push_whose_connection_breaks_ends_in_one_sentence_and_the_next_goes_on(hub, out, tmp_path, part):
    hub.cut = lambda method, path: part in path
    assert f"the push to {ID} is not finished" in refused(pgen(hub, tmp_path / "home", "push", out, ID))
    hub.cut = lambda method, path: False
    done = pgen(hub, tmp_path / "home", "push", out, ID)
    assert done.returncode == 0, done.stderr
    assert holds(hub.repos[ID], out, "v3.0")


def test_a_push_in_several_commits_that_was_killed_between_them_is_no_dataset_and_ends_whole(hub, out, tmp_path):
    code = "import pgen_lerobot.push as p; p.FILES_A_COMMIT = 4; from pgen.cli import main; main()"
    commits = count(1)
    killed(hub, tmp_path, out, lambda method, path: "/commit/" in path and next(commits) == 2, code)
    assert "meta/info.json" not in hub.repos[ID].tree()
    again = pgen(hub, tmp_path, "push", out, ID)
    assert again.returncode == 0, again.stderr
    assert holds(hub.repos[ID], out, "v3.0")


def test_a_second_push_moves_the_tag_and_leaves_no_file_of_the_first(hub, out, tmp_path):
    assert pgen(hub, tmp_path / "home", "push", out, ID).returncode == 0
    first = hub.repos[ID].tags["v3.0"]
    smaller = annotate(dataset(tmp_path / "in"), tmp_path / "smaller")
    done = pgen(hub, tmp_path / "home", "push", smaller, ID)
    assert done.returncode == 0, done.stderr
    assert hub.repos[ID].tags["v3.0"] != first
    assert holds(hub.repos[ID], smaller, "v3.0")


def test_a_dataset_of_an_older_version_gets_its_own_tag(hub, tmp_path):
    old = annotate(as_v21(dataset(tmp_path / "in", **ONE_A_FILE)), tmp_path / "old")
    assert pgen(hub, tmp_path / "home", "push", old, ID).returncode == 0
    assert holds(hub.repos[ID], old, "v2.1")


def test_a_dataset_that_is_not_of_pgen_is_neither_pushed_nor_written_over(hub, out, tmp_path):
    plain = dataset(tmp_path / "in")
    done = pgen(hub, tmp_path / "home", "push", plain, ID)
    assert done.returncode == 2
    assert "only a dataset that pgen wrote can be pushed" in done.stderr
    repo = hub.add(ID, plain)
    refused = pgen(hub, tmp_path / "home", "push", out, ID)
    assert refused.returncode == 2
    assert "holds a dataset that pgen did not write" in refused.stderr
    assert len(repo.commits) == 1


def test_the_token_is_told_to_nobody_but_the_hub(hub, tmp_path):
    source = dataset(tmp_path / "in")
    hub.add("me/in", source)
    home, out = tmp_path / "home", tmp_path / "out"
    loud = {"HF_HUB_VERBOSITY": "debug", "HF_DEBUG": "1"}
    told = [annotated(hub, home, out, "--repo-id", "me/in", **loud), pgen(hub, home, "push", out, ID, **loud)]
    told.append(pgen(hub, home, "push", out, "me/in", **loud))
    told.append(pgen(hub, home, "push", out, "me/no/id", **loud))
    assert [done.returncode for done in told] == [0, 0, 2, 2]
    assert all(TOKEN not in done.stdout + done.stderr for done in told)
    assert all(TOKEN.encode() not in (out / name).read_bytes() for name in snapshot(out))
    assert all(TOKEN.encode() not in content for content in hub.repos[ID].tree().values())


def test_without_a_token_a_push_says_what_it_needs(hub, out, tmp_path):
    done = pgen(hub, tmp_path / "home", "push", out, ID, HF_TOKEN="")
    assert done.returncode == 2
    assert "HF_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("# Mine\n", ["LeRobot", "pgen"]),
        ("---\ntags: robots\n---\n# Mine\n", ["robots", "pgen"]),
        ("---\nlicense: mit\n---\n# Mine\n", ["pgen"]),
        ("---\ntags:\n- pgen\n---\n# Mine\n", ["pgen"]),
    ],
)
def test_the_card_keeps_its_words_and_gains_the_tag_and_the_section(tmp_path, text, tags):
    from huggingface_hub import DatasetCard

    out = annotate(dataset(tmp_path / "in"), tmp_path / "out")
    section = (out / "README.md").read_text()
    section = section[section.index(BEGIN) : section.index(END)]
    (out / "README.md").write_text(text)
    card = pushed_card(Dataset(out))
    assert DatasetCard(card).data.get("tags") == tags
    assert "# Mine" in card
    assert section in card


def test_a_card_whose_front_matter_is_no_yaml_is_refused(tmp_path):
    out = annotate(dataset(tmp_path / "in"), tmp_path / "out")
    (out / "README.md").write_text("---\ntags: [a\n---\n# x\n")
    with pytest.raises(InputError, match=r"README\.md: the Hub cannot read its front matter"):
        pushed_card(Dataset(out))


def test_the_card_names_the_hub_id_and_commit_that_was_read(tmp_path):
    run = results(dataset(tmp_path / "in"))
    run.manifest["source"] |= {"root": None, "repo_id": "me/bri_cks", "commit": "abc"}
    out = annotate(tmp_path / "in", tmp_path / "out", run)
    assert "- Source: me/bri\\_cks at abc." in (out / "README.md").read_text()
    assert json.loads((out / "meta/pgen/manifest.json").read_text())["source"]["commit"] == "abc"
