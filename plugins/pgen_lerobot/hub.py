"""Where a dataset lies: a folder as given, the lerobot cache, or a download from the Hub."""

import os
import re
from pathlib import Path

from pgen.errors import ConfigError, InputError

_REPO_ID = re.compile(r"[A-Za-z0-9_.\-]{1,96}(/[A-Za-z0-9_.\-]{1,96})?")


def locate(root: Path | None, repo_id: str | None, revision: str | None) -> Path:
    """The dataset's folder. Raises ConfigError where nothing is named, InputError where nothing is found."""
    if root is not None:
        return root
    if repo_id is None:
        raise ConfigError("no dataset is named; give its folder with --root DIR, or its Hub id with --repo-id.")
    if not _REPO_ID.fullmatch(repo_id) or ".." in repo_id:
        raise ConfigError(f"--repo-id {repo_id!r} is no Hub id; it has the form user/name.")
    cached = _lerobot_home() / repo_id
    if revision is None and (cached / "meta" / "info.json").is_file():
        return cached
    return _download(repo_id, revision)


def _lerobot_home() -> Path:
    """As lerobot has it: HF_LEROBOT_HOME, else a folder of the Hugging Face cache."""
    if home := os.environ.get("HF_LEROBOT_HOME"):
        return Path(home).expanduser()
    hub = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    return Path(hub).expanduser() / "lerobot"


def _download(repo_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo_id, repo_type="dataset", revision=revision))
    except HFValidationError as error:
        raise ConfigError(f"--repo-id: {error}") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"the dataset {repo_id} is neither in the lerobot cache nor to be had from the Hub: {first} "
            "Name a folder with --root DIR, or check the id, the network and HF_TOKEN."
        ) from None
