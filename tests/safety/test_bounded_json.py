import pytest

from pgen.errors import InputError
from pgen.safety.bounded_json import json_lines, read_bounded, read_json


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


def test_half_of_a_surrogate_pair_is_refused_by_the_file_and_a_whole_one_is_read(tmp_path):
    path = tmp_path / "skills.json"
    path.write_text(r'{"name": "\ud83e\uddf1"}')
    assert read_json(path) == {"name": "\N{BRICK}"}
    path.write_text(r'{"name": "\ud83e"}')
    with pytest.raises(InputError, match=r"skills.json holds half of a surrogate pair"):
        read_json(path)


def test_lines_come_with_their_numbers_and_empty_ones_do_not_come(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n  \r\n[2]')
    assert list(json_lines(tmp_path / "a.jsonl")) == [(1, {"a": 1}), (4, [2])]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"[" * 100_000, r"a.jsonl, line 2 is not JSON"),
        (b"{", r"a.jsonl, line 2 is not JSON"),
        (b"\xff", r"a.jsonl cannot be read as UTF-8"),
        (b'"' + 1000 * b"x" + b'"', r"a.jsonl, line 2 is longer than 1,000 characters"),
    ],
)
def test_a_line_that_is_none_is_refused_by_its_number(tmp_path, line, told):
    (tmp_path / "a.jsonl").write_bytes(b"{}\n" + line)
    most = 1000 if len(line) == 1002 else 1 << 20
    with pytest.raises(InputError, match=told):
        list(json_lines(tmp_path / "a.jsonl", most))
