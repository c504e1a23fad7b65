"""Compare the options that results depend on: those recorded in a journal, and those of this run."""

from typing import Any


def completed(recorded: Any, value: Any, defaults: Any) -> Any:
    """Add the options of `value` that a recorded JSON value lacks, because they were added to pgen later.

    They get their `defaults`, the behaviour without them; one without a default gets its new value. The options of a
    component (a table with a name) are completed, but not what is in them: a user may have left that out.
    """
    if isinstance(recorded, dict) and isinstance(value, dict):
        defaults = defaults if isinstance(defaults, dict) else {}
        added = {name: defaults.get(name, new) for name, new in value.items() if name not in recorded}
        if "name" in value:
            return recorded | added
        return added | {name: completed(old, value.get(name), defaults.get(name)) for name, old in recorded.items()}
    if isinstance(recorded, list) and isinstance(value, list) and len(recorded) == len(value):
        return [completed(old, new, None) for old, new in zip(recorded, value, strict=True)]
    return recorded


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Return where two JSON values differ, each as `path: old, now new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for key in keys for d in differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [f"{path}: {old!r}, now {new!r}"]
