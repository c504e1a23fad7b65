"""The executor `ray`: workers on one machine or many, each with a source and a generator of its own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Executor


@hookimpl
def pgen_executors() -> "Iterable[type[Executor]]":
    from pgen_ray.executor import RayExecutor

    return (RayExecutor,)
