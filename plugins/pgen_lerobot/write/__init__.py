"""Write LeRobot datasets: the sink, and the parts that other packages use."""

from pgen_lerobot.write.card import pushed_card
from pgen_lerobot.write.carried_files import CarriedVideos, carry_over, copied_bytes
from pgen_lerobot.write.labelling import Annotated, Labeller, to_arrow
from pgen_lerobot.write.metadata import (
    INFO,
    SEGMENTATION_FILES,
    STATS,
    check_metadata,
    edit_json,
    rehash,
    skills_entry,
    write_info,
    write_modality,
    write_stats,
    write_totals,
)
from pgen_lerobot.write.shards import check_shards, rewrite_shard, shard_names
from pgen_lerobot.write.sink import CARD, LINES, REPORT, LeRobotSink, OtherForm

__all__ = [
    "CARD",
    "INFO",
    "LINES",
    "REPORT",
    "SEGMENTATION_FILES",
    "STATS",
    "Annotated",
    "CarriedVideos",
    "Labeller",
    "LeRobotSink",
    "OtherForm",
    "carry_over",
    "check_metadata",
    "check_shards",
    "copied_bytes",
    "edit_json",
    "pushed_card",
    "rehash",
    "rewrite_shard",
    "shard_names",
    "skills_entry",
    "to_arrow",
    "write_info",
    "write_modality",
    "write_stats",
    "write_totals",
]
