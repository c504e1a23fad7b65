"""Nothing that would hold up whoever opens it is opened: named pipes, sockets and devices."""

import os
import socket
from pathlib import Path

import pytest

from pgen.errors import InputError, SampleError
from pgen.formats.lfs_pointers import check_fetched
from pgen.media.images import read_file
from pgen.safety.bounded_json import json_lines, read_bounded
from pgen.safety.paths import check_regular, special


@pytest.fixture(params=["a named pipe", "a socket", "a device"])
def place(request, tmp_path, monkeypatch):
    """A path that is no file, and what it is called."""
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    path = Path("file")
    if request.param == "a named pipe":
        os.mkfifo(path)
    elif request.param == "a socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    return path, request.param


def test_what_is_no_file_is_refused_in_words(place):
    path, kind = place
    for read in (check_regular, read_bounded, lambda path: next(json_lines(path))):
        with pytest.raises(InputError, match=f"file is {kind}, not a file"):
            read(path)
    check_fetched([path])


def test_a_picture_that_is_no_file_costs_its_sample(place):
    path, kind = place
    with pytest.raises(SampleError, match=f"front.png is {kind}, not a file"):
        read_file(path, "front.png", "front", 1000)


def test_files_folders_and_what_is_missing_are_nothing_special(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", tmp_path / "missing", tmp_path / "a\0b"):
        assert special(path) is None
