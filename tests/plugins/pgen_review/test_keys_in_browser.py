"""The table of keys: each key in it is pressed by a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

NAMES = {"space": " ", "Esc": Keys.ESCAPE, "Enter": Keys.ENTER, "←": Keys.ARROW_LEFT, "→": Keys.ARROW_RIGHT}
"""Keys whose name is not their character."""


def pressed() -> set[str]:
    """Return the keys that the tests of this folder press one by one; a text that is typed does not count."""
    keys = set()
    for path in Path(__file__).parent.glob("test_*_in_browser.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.For):
                keys |= set(keys_in(node.iter, constants))
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("press", "chord", "parametrize"):
                keys |= set(keys_in(node, constants))
    return keys


def keys_in(part: ast.expr, constants: dict[str, object]) -> Iterator[str]:
    """Yield the single characters of an expression: its constants, and those of the module."""
    spread = [node.value for node in ast.walk(part) if isinstance(node, ast.Starred)]
    for node in ast.walk(part):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Keys":
            yield getattr(Keys, node.attr)
        value = constants.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
        if isinstance(value, str) and (len(value) == 1 or node in spread):
            yield from value


def test_every_key_of_the_table_is_pressed_by_a_test(visit, server):
    browser = visit(server)
    browser.press("?")
    names = browser.texts("dialog kbd")
    browser.press(Keys.ESCAPE)
    assert len(names) == len(set(names)) > 25
    keys = {name.rpartition("-")[2] or name for name in names}
    assert {NAMES.get(key, key) for key in keys} <= pressed()
    if any(name.startswith("ctrl-") for name in names):
        assert Keys.CONTROL in pressed() or "\ue009" in pressed()


def test_k_plays_and_pauses(visit, server):
    browser = visit(server, "&ep=0&frame=0")
    playing = "document.getElementById('play').textContent === 'Pause'"
    browser.press("k")
    browser.until(playing)
    browser.press("k")
    browser.until(f"!({playing})")
