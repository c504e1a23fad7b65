"""What all components share: a name, an options model, `repr`, pickling and identity.

A component is built from keyword options, opens nothing until its `open` is called, and can be pickled. Modules that
take long to import are imported inside its methods.
"""

from abc import ABC
from types import get_original_bases
from typing import Any, ClassVar, Generic, cast, get_args

from pydantic import ValidationError
from typing_extensions import TypeVar

from pgen.components.options import Options, defaults_of, explain, is_tuning
from pgen.errors import ConfigError
from pgen.safety.redaction import redact, redacted, register_options

# Not a PEP 695 parameter: those have no default before Python 3.13.
OptionsT = TypeVar("OptionsT", bound=Options, default=Options, covariant=True)


class Component(ABC, Generic[OptionsT]):
    """The base class of all kinds. Subclasses set `name`; the type argument is their options model."""

    kind: ClassVar[str]
    name: ClassVar[str]
    Options: ClassVar[type[Options]] = Options
    """The type argument, as a class: `Segments(Sampler[SegmentsOptions])` has the options model `SegmentsOptions`."""
    argument: ClassVar[str | None] = None
    """The option that `NAME:VALUE` sets where the component is named."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for argument in (argument for base in get_original_bases(cls) for argument in get_args(base)):
            if isinstance(argument, type) and issubclass(argument, Options):
                cls.Options = argument

    def __init__(self, **options: Any) -> None:
        try:
            self.options = cast(OptionsT, self.Options(**options))
        except ValidationError as error:
            reasons = "; ".join(explain(self.Options, error))
            raise ConfigError(f"{self.kind} {self.name}: {reasons}. See `pgen plugins show {self.name}`.") from None
        register_options(self.options.model_dump())

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in redacted(self.options.model_dump()).items())
        return redact(f"{type(self).__name__}({options})")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.options.model_dump(exclude_unset=True))

    def identity(self) -> dict[str, Any]:
        """Return the name and the options that can change a reply, as JSON values."""
        fields = type(self.options).model_fields
        names = {name for name, field in fields.items() if not is_tuning(field.json_schema_extra)}
        return {"name": self.name, **self.options.model_dump(mode="json", include=names)}

    def defaults(self) -> dict[str, Any]:
        """Return the options' defaults as JSON values, to complete an `identity` recorded before one was added."""
        return defaults_of(self.Options)

    def describe(self) -> dict[str, Any]:
        """Return the name and every option as JSON values, as stored with a result."""
        return {"name": self.name, **self.options.model_dump(mode="json")}

    def remarks(self) -> tuple[str, ...]:
        """Return notes for users of the output (of a sampler or a sink); shown in the plan and the report."""
        return ()


def _rebuild(cls: type[Component], options: dict[str, Any]) -> Component:
    return cls(**options)
