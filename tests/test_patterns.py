"""Every regular expression of pgen takes time linear in the text: a text from outside holds up nothing."""

import ast
import importlib
import pkgutil
import re
import time
from itertools import islice
from pathlib import Path

import pytest

import pgen
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_qwen_openai.structured_output import PROBE_SCHEMA

HERE = Path(pgen.__file__).parents[1]
SIZE = 1_000_000
LIMIT = 0.05
"""Seconds of CPU time for a pattern and a text of a million characters, or of twenty times the longest."""

UNITS = (
    *("-", "a", "A", "0", " ", "\n", ".", ",", ":", "/", "%", "&", "'", '"', "_", "|", "{", "[", "\\", "<", "é", "字"),
    *("a ", "a-", "a_", "a1", "aB", "--a ", "://", "://a:", "a, ", "a. ", "1. ", "1:1", "%4", "ab-", "token: "),
)
"""What is repeated, besides the words and the signs of the pattern itself."""

GROUNDING = ("_ASIDE", "_CLAUSE", "_DOING", "_NEGATION", "_PROMISE", "_SOFT")
SHORT = frozenset(
    {
        *(f"pgen_dialogue.checks.grounding.{name}" for name in GROUNDING),
        "pgen_dialogue.checks.wording._PATTERNS",
        "pgen_dialogue.checks.words._PHRASES",
        "pgen_dialogue.english.verbs._ONE_SYLLABLE",
        "pgen_dialogue.prompts.grounding_facts._TROUBLE",
    }
)
"""Patterns of many words, linear but slow, that read nothing but dialogues and labels, of at most a thousand
characters (`MAX_SAID`, `LONGEST`): they are held to a fiftieth of the size."""


def modules():
    """All modules of pgen and of what ships with it."""
    for package in ("pgen", *sorted(path.name for path in (HERE / "plugins").glob("pgen_*"))):
        yield package
        path = [str(HERE / "plugins" / package if package != "pgen" else HERE / "pgen")]
        yield from (module.name for module in pkgutil.walk_packages(path, f"{package}."))


def within(value, depth=0):
    """The patterns in a value, or in what holds it."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict) and depth < 4:
        for item in value.items():
            yield from within(item, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset) and depth < 4:
        for item in value:
            yield from within(item, depth + 1)


def patterns():
    """The patterns of all modules and of their classes, each once."""
    seen = {}
    for name in modules():
        try:
            module = importlib.import_module(name)
        except ImportError:  # a plugin whose extra is not installed
            continue
        classes = (value for value in vars(module).values() if isinstance(value, type))
        holders = [module, *(value for value in classes if value.__module__ == name)]
        for holder in holders:
            for attribute, value in list(vars(holder).items()):
                for pattern in within(value):
                    seen.setdefault((pattern.pattern, pattern.flags), (f"{name}.{attribute}", pattern))
    return list(seen.values())


PATTERNS = patterns()


def seconds(pattern, text):
    """The CPU time of finding what matches, and of matching at the beginning and as a whole.

    Of a thousand matches: where every character is one, it is the match objects that take time.
    """
    began = time.process_time()
    for _ in islice(pattern.finditer(text), 1000):
        pass
    searched = time.process_time() - began
    began = time.process_time()
    pattern.match(text)
    pattern.fullmatch(text)
    return max(searched, time.process_time() - began)


def texts(pattern, size):
    """Repetitions of what patterns look for, and of what this one says."""
    own = re.findall(r"[A-Za-z]{2,}|[^\sA-Za-z\\]", pattern.pattern if isinstance(pattern.pattern, str) else "")
    for unit in dict.fromkeys([*UNITS, *own, *(f"{word} " for word in own if len(word) > 1)]):
        text = unit * (size // len(unit))
        yield unit, text if isinstance(pattern.pattern, str) else text.encode()


@pytest.mark.parametrize(("name", "pattern"), PATTERNS, ids=[name for name, _ in PATTERNS])
def test_a_pattern_takes_linear_time(name, pattern):
    for unit, text in texts(pattern, SIZE // 50 if name in SHORT else SIZE):
        took = seconds(pattern, text)
        # The fastest of five: other work on the machine slows down what runs beside it.
        assert took <= LIMIT or min(seconds(pattern, text) for _ in range(5)) <= LIMIT, (unit, took)


def test_no_pattern_is_hidden_in_a_function():
    """One that is compiled where it is used is not among those above."""
    named = {"search", "match", "sub", "subn", "findall", "finditer", "split", "fullmatch", "compile"}
    hidden = []
    for path in [*HERE.glob("pgen/**/*.py"), *HERE.glob("plugins/**/*.py")]:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                hidden += [
                    f"{path.relative_to(HERE)}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                    and (node.func.value.id, node.func.attr) in {("re", name) for name in named}
                ]
    # A schema's pattern, of a text whose length the schema bounds, and the control tokens of a model's tokenizer.
    assert {place.split(":")[0] for place in hidden} == {
        "pgen/inference/fast_schema.py",
        "plugins/pgen_qwen_transformers/chat.py",
    }


def test_the_patterns_of_replies_take_linear_time():
    for schema in (typed_schema(), PROBE_SCHEMA):
        for name, rule in schema["properties"].items():
            if pattern := rule.get("pattern"):
                for unit, text in texts(re.compile(pattern), 50 * rule["maxLength"]):
                    assert min(seconds(re.compile(pattern), text) for _ in range(5)) <= LIMIT, (name, unit)


def test_the_patterns_are_there():
    assert len(PATTERNS) > 40
