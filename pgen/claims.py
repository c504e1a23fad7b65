"""What has to agree for the answers in a journal to be valid: the options that they were made with."""

from typing import Any


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """The places where two JSON values differ, as `path: old, now new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for key in keys for d in differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [f"{path}: {old!r}, now {new!r}"]
