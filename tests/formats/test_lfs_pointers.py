"""Git LFS pointers are told from files by their first bytes."""

import pytest

from pgen.errors import InputError
from pgen.formats.lfs_pointers import check_fetched, is_pointer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (POINTER, True),
        (POINTER.replace(b"git-lfs.github.com", b"hawser.github.com"), True),
        (POINTER[:20], False),
        (b"", False),
        (b"\xef\xbb\xbf" + POINTER, False),
        (POINTER + b" " * 1024, False),
        (b'{"version": "https://git-lfs.github.com/spec/v1"}', False),
    ],
)
def test_a_pointer_is_a_small_file_that_begins_as_the_specification_says(tmp_path, content, right):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_pointer(path) is right


def test_a_file_that_is_missing_or_a_folder_is_none(tmp_path):
    assert not is_pointer(tmp_path / "missing")
    assert not is_pointer(tmp_path)


def test_the_first_of_several_is_named_and_the_others_are_counted(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(POINTER)
    check_fetched([])
    with pytest.raises(InputError, match=r"a is a Git LFS pointer, .* \(and so are 2 other files\); .*`git lfs pull`"):
        check_fetched(paths)
    with pytest.raises(InputError, match=r"\(and so is 1 other file\)"):
        check_fetched(paths[:2])
