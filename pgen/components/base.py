"""The base classes of everything that is chosen by name: one class a kind, options as a frozen model.

A component has a `name` and an `Options` model whose fields are documented; it is built from keyword
options, holds nothing open until it is opened, and can be pickled. Heavy imports belong into its methods.
"""

from typing import Any, ClassVar

from pydantic import ValidationError

from pgen.components.options import Options, defaults_of, explain, is_tuning
from pgen.errors import ConfigError
from pgen.safety.redaction import redact, redacted, register_options


class Component:
    """What all kinds share. Subclasses set `name`, and `Options` where they have any."""

    kind: ClassVar[str]
    name: ClassVar[str]
    Options: ClassVar[type[Options]] = Options

    def __init__(self, **options: Any) -> None:
        try:
            self.options: Any = self.Options(**options)
        except ValidationError as error:
            told = "; ".join(explain(self.Options, error))
            see = f"See `pgen plugins show {self.name}`."
            raise ConfigError(f"{self.kind} {self.name}: {told}. {see}") from None
        register_options(self.options.model_dump())

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in redacted(self.options.model_dump()).items())
        return redact(f"{type(self).__name__}({given})")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.options.model_dump(exclude_unset=True))

    def identity(self) -> dict[str, Any]:
        """The name and the options that can change a reply, as JSON values."""
        fields = type(self.options).model_fields
        keep = {name for name, field in fields.items() if not is_tuning(field.json_schema_extra)}
        return {"name": self.name, **self.options.model_dump(mode="json", include=keep)}

    def defaults(self) -> dict[str, Any]:
        """The options at their defaults, as JSON values: where `identity` was recorded before one was added."""
        return defaults_of(self.Options)

    def describe(self) -> dict[str, Any]:
        """The name and every option, as JSON values: what is stored with a result."""
        return {"name": self.name, **self.options.model_dump(mode="json")}

    def remarks(self) -> tuple[str, ...]:
        """What one should know who uses the output: of a sampler or a sink, shown with the plan and the report."""
        return ()


def _rebuild(cls: type[Component], options: dict[str, Any]) -> Component:
    return cls(**options)
