"""Where each version of LeRobot's format keeps what: one module a layout, chosen here and nowhere else.

v2.x: https://github.com/huggingface/lerobot/tree/v0.3.3, v3.0: https://huggingface.co/docs/lerobot/lerobot-dataset-v3
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen_lerobot.format.layout import Layout
from pgen_lerobot.format.layout_v2 import LayoutV2
from pgen_lerobot.format.layout_v3 import LayoutV30

LAYOUTS: dict[str, type[Layout]] = {"v2.0": LayoutV2, "v2.1": LayoutV2, "v3.0": LayoutV30}


def layout_of(root: Path, info: dict[str, Any], videos: list[str], has: Callable[[str], bool]) -> Layout:
    """The layout that info.json names; `videos` are the keys of the video cameras. Raises InputError.

    `has` tells whether the dataset has a file, which may not be in the folder yet.
    """
    version = info.get("codebase_version")
    if not isinstance(version, str) or version not in LAYOUTS:
        *others, last = LAYOUTS
        raise InputError(
            f"{root / 'meta' / 'info.json'} says codebase_version {version!r}; pgen reads {', '.join(others)} and "
            f"{last}. Convert an older dataset with the lerobot of its time."
        )
    return LAYOUTS[version](root, info, videos, has)
