import pytest

from pgen.errors import InputError
from pgen.sidefiles import read_bounded, read_json


def test_a_file_that_is_too_large_is_refused_by_name(tmp_path):
    with (tmp_path / "skills.json").open("wb") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(InputError, match=r"skills.json is larger than 256 MB"):
        read_json(tmp_path / "skills.json")


def test_a_file_of_just_the_size_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bounded(tmp_path / "a", 5) == b"12345"


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b'{"a": 1} x'])
def test_what_is_no_json_is_refused_by_name(tmp_path, content):
    (tmp_path / "info.json").write_bytes(content)
    with pytest.raises(InputError, match=r"info.json cannot be read as JSON"):
        read_json(tmp_path / "info.json")
