"""The executor `local`: this process."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Executor


@hookimpl
def pgen_executors() -> "Iterable[type[Executor]]":
    from pgen_local.executor import Local

    return (Local,)


@hookimpl
def pgen_defaults() -> dict[str, str]:
    return {"executor": "local"}
