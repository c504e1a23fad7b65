"""The options of commands that describe a run: those of pgen itself, and those that plugins declare."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pgen.cli.command import Option
from pgen.hookspecs import Flag
from pgen.registry import registry

_PATH = click.Path(path_type=Path)


def run_options() -> list[click.Parameter]:
    """Return the options from which `pgen.config` builds a run."""
    return [*_own_options(), *flag_options("source", "sampler", "prompt", "generator", "check", "executor", "sink")]


def flag_options(*kinds: str) -> list[click.Parameter]:
    """Return the flags that plugins declare for components of these kinds."""
    return [_flag_option(flag) for flag in registry().flags.values() if flag.target[0] in kinds]


def _own_options() -> Iterator[click.Parameter]:
    yield _option("--root", "input", "The dataset's folder, or the input file.", type=_PATH)
    yield _component("source", "input", "The input's format.", "by --root")
    yield _option("--output-dir", "output", "The new dataset; must not exist yet.", type=_PATH)
    yield _switch("--in-place", "output", "Write into --root itself instead of a new folder.")
    yield _component("sink", "output", "The output's format; repeatable.", "the source's", multiple=True)
    yield _component("sampler", "sampling and prompts", "How the samples are chosen.")
    yield _component("prompt", "sampling and prompts", "The prompt; file:PATH is your own.")
    group = "sampling and prompts"
    yield _option("--language", group, "The dialogue's language, such as de.", "en", metavar="CODE")
    yield _option("--turns", group, "episode: include the earlier dialogue in each request.", "off", metavar="MODE")
    yield _option("--variants", group, "The number of wordings of each dialogue.", "3", type=int, metavar="N")
    weights = "Weights of the scopes that label frames."
    yield _option("--scopes", group, weights, "episode=2,phase=3,step=4,standing=1", metavar="SCOPE=WEIGHT,…")
    yield _option("--speech", group, "hold: a label has the utterance while in force; once.", "hold", metavar="MODE")
    silence = "The share of spans in which nothing new is said."
    yield _option("--silence", group, silence, "0", type=float, metavar="SHARE")
    yield _option("--max-samples", group, "Annotate only the first N samples.", type=int, metavar="N")
    yield _option("--max-pixels", group, "Scale images down to N pixels.", "1003520", type=int, metavar="N")
    yield _component("generator", "generator", "What writes the dialogue (`pgen plugins` lists all).")
    yield _option("--attempts", "generator", "The maximum attempts per sample.", "2", type=int, metavar="N")
    group = "checks and judge"
    yield _component("check", group, "A check of each dialogue; repeatable, or none.", "all", multiple=True)
    yield _option("--on-check", group, "retry, keep or fail a dialogue with a defect.", "retry", metavar="ACTION")
    yield _component("judge", group, "A generator that scores a share of the dialogues.")
    yield _option("--judge-share", group, "The share that it scores.", "0.1", type=float, metavar="SHARE")
    yield _option("--config", "run", "Run file (TOML); flags override it.", type=_PATH, metavar="FILE")
    assignment = "An option of a component; repeatable."
    yield _option("--opt", "run", assignment, metavar="KIND.OPTION=VALUE", multiple=True)
    yield _component("executor", "run", "Where the requests are sent from.")
    yield _option("--seed", "run", "The same seed gives the same output.", "0", type=int)
    share = "The share of samples that may fail."
    yield _option("--max-failures", "run", share, "0.02", type=float, metavar="SHARE")
    yield _option("--journal", "run", "Where results are stored meanwhile.", "near OUT", type=_PATH, metavar="PATH")
    yield _switch("--fresh", "run", "Discard the results of an unfinished run.")


def _option(name: str, group: str, help: str, default: str = "", **attributes: Any) -> Option:
    """Return an option; its default is only named, since the run file may set another."""
    return Option([name], group=group, help=_with_default(help, default), **attributes)


def _with_default(help: str, default: str) -> str:
    return f"{help}  [default: {default}]" if default else help


def _switch(name: str, group: str, help: str) -> Option:
    return Option([name], group=group, help=help, is_flag=True, default=None)


def _component(kind: str, group: str, help: str, default: str = "", **attributes: Any) -> Option:
    default = default or ", ".join(registry().defaults.get(kind, ()))
    return _option(f"--{kind}", group, help, default, metavar="NAME", **attributes)


def _flag_option(flag: Flag) -> Option:
    if flag.type is bool:
        return _switch(flag.name, flag.group, flag.help)
    type = _PATH if flag.type is Path else flag.type
    return Option(
        [flag.name], group=flag.group, help=flag.help, type=type, metavar=flag.metavar, multiple=flag.multiple
    )
