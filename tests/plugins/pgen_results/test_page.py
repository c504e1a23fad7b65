import json

import pytest

from pgen.errors import ConfigError
from pgen_results import page


def test_json_in_a_page_is_the_same_value_and_holds_no_markup():
    value = {"text": "<!--</script>&\u2028\ud800", "more": [1, None, 0.5]}
    text = page.as_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028") & set(text)


def test_text_that_utf_8_cannot_encode_does_not_end_the_writing(tmp_path):
    page.write(tmp_path / "page.html", f"{page.MARK}\ud800")
    assert (tmp_path / "page.html").read_text().endswith("?")


def test_only_a_page_of_pgen_s_own_is_replaced(tmp_path):
    page.write(tmp_path / "page.html", page.MARK)
    page.check(tmp_path / "page.html")
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    refusals = {"mine.html": "is no page that pgen wrote", "none/page.html": "there is no folder", ".": "is a folder"}
    for path, message in refusals.items():
        with pytest.raises(ConfigError, match=message):
            page.check(tmp_path / path)


def test_a_former_page_stays_until_the_new_one_is_complete(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    page.write(path, f"{page.MARK} the first")

    def full(path):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pgen.storage.durable.sync", full)
        with pytest.raises(OSError, match="No space left"):
            page.write(path, f"{page.MARK} the second")
    assert path.read_text().endswith("the first")
    page.write(path, f"{page.MARK} the third")
    assert path.read_text().endswith("the third")
    assert list(tmp_path.iterdir()) == [path]
