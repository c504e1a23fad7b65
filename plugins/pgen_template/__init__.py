"""The generator `template`: replies composed from phrases, without a model, for demos, dry runs and CI."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Generator


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_template.generator import TemplateGenerator

    return (TemplateGenerator,)
