"""Push a dataset that pgen wrote to the Hub: its files, its card, and the tag by which LeRobot finds its version.

The metadata are committed last, and the tag after them, so that an interrupted push leaves no dataset; repeated,
it uploads the missing files. Nothing in the folder is changed.
"""

from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.errors import ConfigError, InputError
from pgen_lerobot.format import MANIFEST, Dataset, hub_errors, walk
from pgen_lerobot.write import CARD, SEGMENTATION_FILES, pushed_card

if TYPE_CHECKING:
    from huggingface_hub import HfApi

FILES_A_COMMIT = 500
"""With more files the Hub answers slowly, up to a timeout."""
_RECORDS = frozenset({MANIFEST, SEGMENTATION_FILES["segmentation.json"]})
"""One of these shows that pgen wrote a dataset: with dialogue, or with skills alone."""
_ADVICE = "Check the id, the network, HF_ENDPOINT and what HF_TOKEN may write; the same command goes on where it was."
_REPLACED = ("data/", "meta/", "videos/", "video/")
"""Folders from which files of a former push that the dataset no longer has are removed."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of a push."""

    url: str
    files: int
    tag: str


def push(root: Path, repo_id: str, *, private: bool = False) -> Pushed:
    """Push the dataset at `root` to the Hub as `repo_id`. Raises ConfigError and InputError."""
    dataset = Dataset(root)
    if not any((root / record).is_file() for record in _RECORDS):
        raise InputError(f"{root / MANIFEST} is missing: only a dataset that pgen wrote can be pushed.")
    names = sorted({*walk(root), CARD}, key=_metadata_last)
    with hub_errors("REPO_ID", f"the push to {repo_id} is not finished", _ADVICE):
        from huggingface_hub import HfApi
        from huggingface_hub.errors import LocalTokenNotFoundError

        api = HfApi()
        card = pushed_card(dataset).encode()
        try:
            remote = _repository(api, repo_id, private)
        except LocalTokenNotFoundError:
            raise ConfigError(
                f"pushing to {repo_id} needs a token: set HF_TOKEN, or log in with `hf auth login`."
            ) from None
        url = _commit(api, repo_id, root, names, remote, card)
        tag = str(dataset.info["codebase_version"])
        _tag(api, repo_id, tag)
    return Pushed(url, len(names), tag)


def _metadata_last(name: str) -> tuple[bool, str]:
    return name == CARD or name.startswith("meta/"), name


def _repository(api: "HfApi", repo_id: str, private: bool) -> set[str]:
    """Create the repository where it does not exist; return the names of its files."""
    api.create_repo(repo_id, repo_type="dataset", private=private or None, exist_ok=True)
    info = api.dataset_info(repo_id)
    if private and not info.private:
        raise ConfigError(f"{repo_id} exists and is public; make it private on the Hub, or push without --private.")
    names = {file.rfilename for file in info.siblings or ()}
    if "meta/info.json" in names and names.isdisjoint(_RECORDS):
        raise ConfigError(f"{repo_id} holds a dataset that pgen did not write; choose another name for this one.")
    return names


def _commit(api: "HfApi", repo_id: str, root: Path, names: list[str], remote: set[str], card: bytes) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    removed = sorted(name for name in remote.difference(names) if name.startswith(_REPLACED))
    operations: list[Any] = [CommitOperationDelete(name) for name in removed]
    operations += [CommitOperationAdd(name, card if name == CARD else str(root / name)) for name in names]
    for batch in batched(operations, FILES_A_COMMIT):
        api.create_commit(repo_id, batch, commit_message="Add what pgen wrote", repo_type="dataset")
    return f"{api.endpoint}/datasets/{repo_id}"


def _tag(api: "HfApi", repo_id: str, tag: str) -> None:
    """Move the version's tag, which LeRobot opens, to the last commit."""
    refs = api.list_repo_refs(repo_id, repo_type="dataset")
    if any(ref.name == tag for ref in refs.tags):
        api.delete_tag(repo_id, tag=tag, repo_type="dataset")
    api.create_tag(repo_id, tag=tag, repo_type="dataset")
