"""A dataset on the Hub is read by huggingface_hub, from a stand-in on the loopback."""

import pytest
from hub_helpers import UNREACHABLE, annotated, refused
from hub_server import served
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import dataset, snapshot

from pgen.errors import ConfigError
from pgen_lerobot.format import locate
from pgen_lerobot.verify import verify

ID = "me/bricks"
FRONT = "observation.images.top"
WRIST = "observation.images.wrist"


WITHOUT_HUB = [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": UNREACHABLE[0]}]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A dataset of v2.1, a video for each episode and camera."""
    return as_v21(dataset(tmp_path_factory.mktemp("rendered") / "in", codec="h264", **ONE_A_FILE))


@pytest.fixture
def hub(rendered):
    with served() as running:
        running.add(ID, rendered)
        yield running


def videos(names):
    return [name for name in names if name.endswith(".mp4")]


def contents(root):
    """All but the manifest and the card, which say where the dataset came from."""
    found = {name: digest for name, (digest, _) in snapshot(root).items() if not name.startswith("meta/pgen/")}
    del found["README.md"]
    return found


def test_the_output_is_that_of_the_same_dataset_in_a_folder(hub, rendered, tmp_path):
    done = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID)
    assert done.returncode == 0, done.stderr
    local = annotated(hub, tmp_path / "home", tmp_path / "local", "--root", rendered)
    assert local.returncode == 0, local.stderr
    assert contents(tmp_path / "out") == contents(tmp_path / "local")
    assert verify(tmp_path / "out").problems == []


def test_a_dry_run_fetches_no_video(hub, tmp_path):
    done = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert videos(hub.fetched()) == []


def test_the_chosen_videos_are_fetched_first_and_the_rest_for_the_output(hub, rendered, tmp_path):
    told = ("--repo-id", ID, "--camera", WRIST, "--episodes", "1,3")
    done = annotated(hub, tmp_path / "home", tmp_path / "out", *told)
    assert done.returncode == 0, done.stderr
    found = videos(hub.fetched())
    asked, rest = found[:2], found[2:]
    assert sorted(asked) == [f"videos/chunk-000/{WRIST}/episode_00000{episode}.mp4" for episode in (1, 3)]
    assert len(rest) == 6
    assert videos(snapshot(tmp_path / "out")) == videos(snapshot(rendered))


def test_only_lines_need_no_other_videos(hub, tmp_path):
    told = ("--repo-id", ID, "--camera", WRIST, "--episodes", "1", "--sink", "jsonl")
    done = annotated(hub, tmp_path / "home", tmp_path / "out", *told)
    assert done.returncode == 0, done.stderr
    assert videos(hub.fetched()) == [f"videos/chunk-000/{WRIST}/episode_000001.mp4"]


def test_a_video_that_cannot_be_had_stops_the_run_and_the_next_goes_on(hub, tmp_path):
    last = f"videos/chunk-000/{FRONT}/episode_000000.mp4"
    hub.cut = lambda method, path: path.endswith(last)
    told = ("--repo-id", ID, "--camera", WRIST)
    done = annotated(hub, tmp_path / "home", tmp_path / "out", *told)
    assert done.returncode == 2
    assert "is neither complete in a cache nor available from the Hub" in done.stderr
    assert not (tmp_path / "out").exists()
    hub.cut = lambda method, path: False
    again = annotated(hub, tmp_path / "home", tmp_path / "out", *told)
    assert again.returncode == 0, again.stderr
    assert "of them in a former run" in again.stdout
    assert (tmp_path / "out" / last).is_file()


@pytest.mark.parametrize("environment", WITHOUT_HUB, ids=["offline", "no network"])
def test_without_the_hub_a_complete_cache_is_enough(hub, tmp_path, environment):
    home = tmp_path / "home"
    assert annotated(hub, home, tmp_path / "first", "--repo-id", ID).returncode == 0
    before = len(hub.requests)
    done = annotated(hub, home, tmp_path / "out", "--repo-id", ID, **environment)
    assert done.returncode == 0, done.stderr
    assert len(hub.requests) == before
    assert contents(tmp_path / "out") == contents(tmp_path / "first")


@pytest.mark.parametrize("environment", WITHOUT_HUB, ids=["offline", "no network"])
def test_without_the_hub_a_cache_that_lacks_videos_is_refused_before_any_request(hub, tmp_path, environment):
    home = tmp_path / "home"
    told = ("--repo-id", ID, "--camera", WRIST)
    assert annotated(hub, home, tmp_path / "lines", *told, "--sink", "jsonl").returncode == 0
    sentence = refused(annotated(hub, home, tmp_path / "out", *told, **environment))
    assert "neither complete in a cache nor available from the Hub" in sentence
    assert not (tmp_path / ".out.pgen").exists()


@pytest.mark.parametrize("address", UNREACHABLE)
def test_a_hub_that_cannot_be_reached_ends_in_one_sentence(hub, tmp_path, address):
    sentence = refused(annotated(hub, tmp_path, tmp_path / "out", "--repo-id", ID, HF_ENDPOINT=address))
    assert "check the id, the network, HF_ENDPOINT and HF_TOKEN" in sentence
    assert hub.requests == []


@pytest.mark.parametrize("name", ["meta/info.json", f"videos/chunk-000/{WRIST}/episode_000000.mp4"])
def test_a_download_that_breaks_off_ends_in_one_sentence_and_the_next_run_goes_on(hub, tmp_path, name):
    hub.break_off = lambda method, path: path.endswith(name)
    sentence = refused(annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID))
    assert "neither complete in a cache nor available from the Hub" in sentence
    assert not (tmp_path / "out").exists()
    hub.break_off = lambda method, path: False
    again = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID)
    assert again.returncode == 0, again.stderr
    assert verify(tmp_path / "out").problems == []


def test_the_revision_is_the_one_that_was_named(hub, rendered, tmp_path):
    first = hub.repos[ID].refs["main"]
    hub.repos[ID].tags["v2.1"] = first
    hub.repos[ID].commit({"README.md": b"nothing any more"})
    done = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID, "--revision", "v2.1")
    assert done.returncode == 0, done.stderr
    assert f'"commit": "{first}"' in (tmp_path / "out/meta/pgen/manifest.json").read_text()
    moved = annotated(hub, tmp_path / "home", tmp_path / "other", "--repo-id", ID)
    assert moved.returncode == 2
    assert "meta/info.json is missing" in moved.stderr


def test_a_private_dataset_needs_the_token(hub, tmp_path):
    hub.repos[ID].private = True
    refused = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID, HF_TOKEN="")
    assert refused.returncode == 2
    assert "check the id, the network, HF_ENDPOINT and HF_TOKEN" in refused.stderr
    allowed = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", ID)
    assert allowed.returncode == 0, allowed.stderr


def test_an_id_that_names_nothing_is_refused_in_whole_sentences(hub, tmp_path):
    done = annotated(hub, tmp_path / "home", tmp_path / "out", "--repo-id", "me/none")
    assert done.returncode == 2
    assert "nor available from the Hub" in done.stderr
    assert ". Name a folder with --root DIR" in done.stderr


@pytest.mark.parametrize("repo_id", ["a/b/c", "../up"])
def test_an_id_that_cannot_be_one_is_refused(repo_id):
    with pytest.raises(ConfigError, match=r"--repo-id .* is no Hub id"):
        locate(None, repo_id, None)
