"""Files of the input carried over into an output, so that editing the output leaves the input as it is.

Videos, and pictures in files of their own, are most of a dataset and are never edited by pgen. Where the file
system can, they are cloned: files of their own that share their blocks until one of them is changed. Where it
cannot, they are hard links, one file with two names: the one case in which an edit reaches the input, which the
report, the manifest and the documentation say. Everything else is copied, as are videos with `copy_videos`.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Protocol

from pgen.components import Phase, Step, silent
from pgen.errors import InputError
from pgen.safety.bounded_json import read_json
from pgen.safety.paths import PICTURES, VIDEOS
from pgen.storage.durable import sync
from pgen.storage.in_place import stages
from pgen_lerobot.format import walk

SHARED = (
    "{} videos are hard links to the input's: editing one in place changes both datasets; --copy-videos makes copies"
)
_CLONE: int | None = getattr(fcntl, "FICLONE", None)
"""The request of ioctl that clones a file; Linux alone has it."""
_NO_CLONES = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.EPERM, errno.ENOSYS})
"""What it fails with where a file system cannot clone, or the two files are on different ones."""
_NEVER_SHARED = ("meta/", "data/")
"""What LeRobot's tools, v2.x above all, append to or rewrite in place."""
_BLOCK = 8 << 20


class Complete(Protocol):
    """A folder that can be asked to hold all its files."""

    root: Path

    def fetch_all(self) -> None: ...


@dataclass(slots=True)
class CarriedVideos:
    """How the videos of the input got into the output."""

    cloned: int = 0
    linked: int = 0
    copied: int = 0

    def as_json(self) -> dict[str, object]:
        """For the record of the run, with the sentence where videos are shared."""
        counts: dict[str, object] = {"cloned": self.cloned, "linked": self.linked, "copied": self.copied}
        return {**counts, "note": self.notes()[0]} if self.linked else counts

    def notes(self) -> tuple[str, ...]:
        """What the user of the output has to know."""
        return (SHARED.format(f"{self.linked:,}"),) if self.linked else ()


def recorded(path: Path) -> dict[str, object] | None:
    """What the record at `path` says of the videos, for a run that leaves them in their place; None where nothing."""
    try:
        videos = read_json(path).get("videos")
    except (OSError, InputError, AttributeError):
        return None
    return videos if isinstance(videos, dict) else None


def is_video(name: str) -> bool:
    """Whether a file, by its name relative to the root, may be shared with the input: a video, or below images/."""
    suffix = PurePosixPath(name).suffix
    picture = suffix in PICTURES and name.startswith("images/")
    return not name.startswith(_NEVER_SHARED) and (suffix in VIDEOS or picture)


def carry_over(
    source: Complete, out: Path, written: set[str], *, copy_videos: bool = False, phase: Phase = silent
) -> CarriedVideos:
    """Put every file of the source into `out` that is not in `written` and not in `out` already.

    Files staged for the source's own folder are links whatever `copy_videos` says: they are there already.
    """
    source.fetch_all()
    carrier = _Carrier(source.root, out, stages(source.root, out))
    names = [name for name in walk(source.root) if name not in written and not (out / name).exists()]
    own = carrier.own
    shared = [name for name in names if is_video(name) or (own and not name.startswith(_NEVER_SHARED))]
    for name in set(names).difference(shared):
        carrier.copy(name, _ignored)
    left = shared if copy_videos and not own else [name for name in shared if not carrier.share(name)]
    if left:
        step = phase("copying videos", sum((source.root / name).stat().st_size for name in left))
        for name in left:
            carrier.copy(name, step)
            carrier.carried.copied += 1
    return carrier.carried


def copied_bytes(root: Path, written: set[str], *, copy_videos: bool) -> int:
    """What `carry_over` copies where it can share the videos, in bytes."""
    names = (name for name in walk(root) if name not in written and (copy_videos or not is_video(name)))
    return sum((root / name).stat().st_size for name in names)


def shared_bytes(root: Path) -> int:
    """The size of the videos, which are shared where the output is on the input's file system."""
    return sum((root / name).stat().st_size for name in walk(root) if is_video(name))


@dataclass(slots=True)
class _Carrier:
    """Carries single files; remembers from which file systems nothing can be cloned."""

    root: Path
    out: Path
    own: bool
    carried: CarriedVideos = field(default_factory=CarriedVideos)
    _without_clones: set[int] = field(default_factory=set)

    def share(self, name: str) -> bool:
        """Clone or link a file; False where neither is possible."""
        real, target = self._paths(name)
        if not self.own and self._clone(real, target):
            self.carried.cloned += 1
            return True
        try:
            os.link(real, target)
        except OSError:  # another file system, one without hard links, or a file with too many of them
            return False
        self.carried.linked += 1
        return True

    def copy(self, name: str, step: Step) -> None:
        """Copy a file's content. Its mode is that of any new file, so that the owner can edit or remove the copy."""
        real, target = self._paths(name)
        with real.open("rb") as old, target.open("xb") as new:
            for block in _blocks(old):
                new.write(block)
                step(len(block))
        sync(target)

    def _paths(self, name: str) -> tuple[Path, Path]:
        target = self.out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return (self.root / name).resolve(), target

    def _clone(self, real: Path, target: Path) -> bool:
        device = real.stat().st_dev
        if _CLONE is None or device in self._without_clones:
            return False
        try:
            with real.open("rb") as old, target.open("xb") as new:
                fcntl.ioctl(new, _CLONE, old.fileno())
        except OSError as error:
            target.unlink(missing_ok=True)
            if error.errno not in _NO_CLONES:
                raise
            self._without_clones.add(device)
            return False
        sync(target)
        return True


def _blocks(file: BufferedReader) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _ignored(count: int) -> None:
    """No progress is shown for what is small."""
