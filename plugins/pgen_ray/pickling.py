"""Pickle what goes to other processes, and refuse components that would not arrive unchanged."""

import inspect
import pickle
from typing import Any

from pgen.components import Component
from pgen.errors import ConfigError


def pack(value: Any) -> bytes:
    """Return the value as bytes, including classes of a script or a notebook."""
    from ray import cloudpickle

    data: bytes = cloudpickle.dumps(value)
    return data


def check_packs(component: Component) -> None:
    """Raise ConfigError where the component would arrive changed, or not at all."""
    name = f"{component.kind} {component.name}"
    if _holds_more(component):
        raise ConfigError(
            f"executor ray: the {name} was made from more than its options, which workers would not receive. Give "
            f"{type(component).__name__} a __reduce__, or use the executor local."
        )
    try:
        pickle.loads(pack(component))
    except Exception as error:  # what it holds may raise anything
        raise ConfigError(
            f"executor ray: the {name} cannot be sent to workers ({type(error).__name__}: {error}). What it holds has "
            "to be picklable; open files and connections belong into its `open`."
        ) from None


def _holds_more(component: Component) -> bool:
    cls = type(component)
    if cls.__reduce__ is not Component.__reduce__ or cls.__init__ is Component.__init__:
        return False
    kinds = {parameter.kind for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]}
    return kinds != {inspect.Parameter.VAR_KEYWORD}
