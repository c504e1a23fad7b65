"""What may be wrong with a dialogue that fits its schema, found without a model."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.checks import Check


@hookimpl
def pgen_checks() -> "Iterable[type[Check]]":
    from pgen_checks.duplicates import Duplicates
    from pgen_checks.grounding import Grounding
    from pgen_checks.language import Language
    from pgen_checks.wording import LabelCopy, Length, MetaWords

    return Grounding, MetaWords, LabelCopy, Length, Language, Duplicates
