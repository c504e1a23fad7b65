"""Every regular expression of pgen takes time linear in the text, so that untrusted text cannot block a run."""

import ast
import importlib
import pkgutil
import re
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from cpu_time import cpu_seconds

import pgen
import pgen_lerobot
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_qwen_openai.structured_output import PROBE_SCHEMA

CORE, PLUGINS = Path(pgen.__file__).parents[1], Path(pgen_lerobot.__file__).parents[1]
SIZE = 200_000
LIMIT = 0.01
"""Seconds of CPU time for a pattern and a text of `SIZE` characters; one that is not linear takes minutes."""

UNITS = (
    *("-", "a", "A", "0", " ", "\n", ".", ",", ":", "/", "%", "&", "'", '"', "_", "|", "{", "[", "\\", "<", "é", "字"),
    *("a ", "a-", "a_", "a1", "aB", "--a ", "://", "://a:", "a, ", "a. ", "1. ", "1:1", "%4", "ab-", "token: "),
)
"""Strings that are repeated to make a text, besides the words and characters of the pattern itself."""

SHORT = frozenset(
    {
        "pgen_dialogue.checks.wording._PATTERNS",
        "pgen_dialogue.english.verbs._ONE_SYLLABLE",
        "pgen_dialogue.prompts.grounding_facts._MISHAP",
        "pgen_dialogue.prompts.grounding_facts._RETRY",
    }
)
"""Linear but slow patterns of many words. They only read dialogues and labels, of at most a thousand characters
(`MAX_VALUE`, `LONGEST`), and are tested with a fiftieth of the size."""


def modules():
    """Yield the names of all modules of pgen and of its plugins."""
    for package in ("pgen", *sorted(path.parent.name for path in PLUGINS.glob("pgen_*/__init__.py"))):
        yield package
        folder = CORE if package == "pgen" else PLUGINS
        yield from (module.name for module in pkgutil.walk_packages([str(folder / package)], f"{package}."))


def patterns_in(value, depth=0):
    """Yield the patterns in a value, or in a collection of values."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict | list | tuple | set | frozenset) and depth < 4:
        for item in value.items() if isinstance(value, dict) else value:
            yield from patterns_in(item, depth + 1)


def all_patterns():
    """Return the patterns of all modules and of their classes, each once, with the name of its first attribute."""
    named = {}
    for name in modules():
        try:
            module = importlib.import_module(name)
        except ImportError:  # a plugin whose extra is not installed
            continue
        classes = (value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name)
        for holder in (module, *classes):
            for attribute, value in list(vars(holder).items()):
                for pattern in patterns_in(value):
                    named.setdefault((pattern.pattern, pattern.flags), (f"{name}.{attribute}", pattern))
    return list(named.values())


PATTERNS = all_patterns()


def search(pattern, text):
    """Find at most a thousand matches: beyond that, creating match objects takes the time."""
    for _ in islice(pattern.finditer(text), 1000):
        pass


def match(pattern, text):
    pattern.match(text)
    pattern.fullmatch(text)


def texts(pattern, size):
    """Yield repetitions of strings that patterns search for, and of the words of this pattern."""
    is_text = isinstance(pattern.pattern, str)
    own = re.findall(r"[A-Za-z]{2,}|[^\sA-Za-z\\]", pattern.pattern) if is_text else []
    for unit in dict.fromkeys([*UNITS, *own, *(f"{word} " for word in own if len(word) > 1)]):
        text = unit * (size // len(unit))
        yield unit, text if is_text else text.encode()


def check(pattern, size):
    for unit, text in texts(pattern, size):
        for work in (search, match):
            assert cpu_seconds(partial(work, pattern, text), LIMIT) <= LIMIT, unit


@pytest.mark.parametrize(("name", "pattern"), PATTERNS, ids=[name for name, _ in PATTERNS])
def test_a_pattern_takes_linear_time(name, pattern):
    check(pattern, SIZE // 50 if name in SHORT else SIZE)


def test_the_patterns_of_replies_take_linear_time():
    for schema in (typed_schema(), PROBE_SCHEMA):
        for rule in schema["properties"].values():
            if "pattern" in rule:
                check(re.compile(rule["pattern"]), 50 * rule["maxLength"])


def test_no_pattern_is_compiled_in_a_function():
    """Such a pattern would be missing above."""
    functions = {"search", "match", "sub", "subn", "findall", "finditer", "split", "fullmatch", "compile"}
    calls = {f"re.{name}" for name in functions}
    places = set()
    for path in [*CORE.glob("pgen/**/*.py"), *PLUGINS.glob("pgen_*/**/*.py")]:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                called = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
                places |= {"/".join(path.parts[-2:])} if called & calls else set()
    # The control tokens of a model's tokenizer.
    assert places <= {"pgen_qwen_transformers/model.py"}


def test_the_patterns_are_found():
    assert len(PATTERNS) > 40
