"""What chaos does to a run: a row for each fault.

A fault gets the round and returns whether it disturbed anything; where there was nothing to disturb, the next one is
taken in its place.
"""

from collections.abc import Callable, Mapping

from benchmarks.chaos.faults.clock import step_clock
from benchmarks.chaos.faults.contents import damage_content, lose_content
from benchmarks.chaos.faults.disk import fill_disk, forbid_writing
from benchmarks.chaos.faults.kills import kill_database, kill_driver, kill_node, kill_rank, kill_worker
from benchmarks.chaos.faults.ray_parts import kill_agent, kill_gcs, kill_raylet
from benchmarks.chaos.round import Round

FAULTS: Mapping[str, Callable[[Round], bool]] = {
    "driver": kill_driver,
    "worker": kill_worker,
    "rank": kill_rank,
    "node": kill_node,
    "raylet": kill_raylet,
    "agent": kill_agent,
    "gcs": kill_gcs,
    "database": kill_database,
    "lost content": lose_content,
    "damaged content": damage_content,
    "read-only home": forbid_writing,
    "full disk": fill_disk,
    "clock step": step_clock,
}
