"""Files of the input carried over into an output, so that editing the output leaves the input unchanged.

Videos, and images in files of their own, are most of a dataset, and pgen never edits them. Where the file system
can, they are cloned: separate files that share their blocks until one is changed. Else they are hard links, one
file with two names: only then does an edit reach the input, which the report, the manifest and the documentation
say. All other files are copied, as are videos with `copy_videos`.
"""

import errno
import fcntl
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from pgen.components import Phase, Step, silent
from pgen.errors import InputError
from pgen.safety.bounded_json import read_json
from pgen.safety.paths import PICTURES, VIDEOS
from pgen.storage.durable import sync
from pgen.storage.in_place import stages
from pgen_lerobot.format import Files, walk

SHARED = (
    "{} videos are hard links to the input's: editing one in place changes both datasets; --copy-videos makes copies"
)
_CLONE: int | None = getattr(fcntl, "FICLONE", None)
"""The ioctl request that clones a file; only Linux has it."""
_NO_CLONES = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.EPERM, errno.ENOSYS})
"""Its errors where a file system cannot clone, or the files are on different ones."""
_NEVER_SHARED = ("meta/", "data/")
"""Folders whose files LeRobot's tools, v2.x above all, append to or rewrite in place."""
_BLOCK = 8 << 20


@dataclass(slots=True)
class CarriedVideos:
    """The number of videos carried over in each way."""

    cloned: int = 0
    linked: int = 0
    copied: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the counts for the run's record, with a note where videos are shared."""
        counts: dict[str, object] = {"cloned": self.cloned, "linked": self.linked, "copied": self.copied}
        return {**counts, "note": self.notes()[0]} if self.linked else counts

    def notes(self) -> tuple[str, ...]:
        """Return the notes for users of the output."""
        return (SHARED.format(f"{self.linked:,}"),) if self.linked else ()


def recorded(path: Path) -> dict[str, object] | None:
    """Return what the record at `path` has of the videos, for a run that leaves them in place; None without one."""
    try:
        videos = read_json(path).get("videos")
    except (OSError, InputError, AttributeError):
        return None
    return videos if isinstance(videos, dict) else None


def is_video(name: str) -> bool:
    """Return whether a file (relative to the root) may be shared with the input: a video, or below images/."""
    suffix = PurePosixPath(name).suffix
    image = suffix in PICTURES and name.startswith("images/")
    return not name.startswith(_NEVER_SHARED) and (suffix in VIDEOS or image)


def carry_over(
    source: Files, out: Path, written: set[str], *, copy_videos: bool = False, phase: Phase = silent
) -> CarriedVideos:
    """Carry over every file of the source that is neither in `written` nor in `out` already.

    Files staged for the source's own folder are linked, whatever `copy_videos` says: they only move.
    """
    source.fetch_all()
    carrier = _Carrier(source.root, out, stages(source.root, out))
    names = [name for name in walk(source.root) if name not in written and not (out / name).exists()]
    own = carrier.own
    shared = [name for name in names if is_video(name) or (own and not name.startswith(_NEVER_SHARED))]
    for name in set(names).difference(shared):
        carrier.copy(name, lambda _: None)
    to_copy = shared if copy_videos and not own else [name for name in shared if not carrier.share(name)]
    if to_copy:
        step = phase("copying videos", sum((source.root / name).stat().st_size for name in to_copy))
        for name in to_copy:
            carrier.copy(name, step)
            carrier.carried.copied += 1
    return carrier.carried


def copied_bytes(root: Path, written: set[str], *, copy_videos: bool) -> int:
    """Return the bytes that `carry_over` copies where it can share the videos."""
    names = (name for name in walk(root) if name not in written and (copy_videos or not is_video(name)))
    return sum((root / name).stat().st_size for name in names)


def video_bytes(root: Path) -> int:
    """Return the size of the videos, which are shared where the output is on the input's file system."""
    return sum((root / name).stat().st_size for name in walk(root) if is_video(name))


@dataclass(slots=True)
class _Carrier:
    """Carry over single files; remember the file systems that cannot clone."""

    root: Path
    out: Path
    own: bool
    carried: CarriedVideos = field(default_factory=CarriedVideos)
    _without_clones: set[int] = field(default_factory=set)

    def share(self, name: str) -> bool:
        """Clone or link a file; return False where neither is possible."""
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
            for block in iter(partial(old.read, _BLOCK), b""):
                new.write(block)
                step(len(block))
        sync(target)

    def _paths(self, name: str) -> tuple[Path, Path]:
        """Return the file itself, where it is a link, and its place in the output, whose folder is made."""
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
