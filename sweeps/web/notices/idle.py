"""Nodes on which nothing runs: reported once, after a while."""

from collections.abc import Mapping
from typing import Any

from golf.errors import shown_name
from jobs.state import NoticeKind
from jobs.store import Notice
from sweeps.web.notices.facts import NodeActivity

IDLE_SECONDS = 600.0


def watch_nodes(before: Mapping[str, Any], nodes: NodeActivity) -> tuple[list[Notice], dict[str, dict[str, Any]]]:
    """Nodes that have been idle for a while, and since when each node is.

    A node is known from its first job on. It is forgotten when it is quarantined or its cluster's scheduler ends.

    Args:
        before: cluster → node → {"idle": epoch seconds or None, "reported": bool}.
        nodes: as they are now.
    """
    notices: list[Notice] = []
    after: dict[str, dict[str, Any]] = {}
    for cluster, name in sorted(nodes.running):
        after.setdefault(cluster, {})[name] = {"idle": None, "reported": False}
    for cluster, known in before.items():
        for name, state in known.items():
            gone = cluster not in nodes.clusters or (cluster, name) in nodes.bad
            if gone or name in after.get(cluster, {}):
                continue
            since, reported = state["idle"] or nodes.now, state["reported"]
            if not reported and nodes.now - since >= IDLE_SECONDS:
                notices.append(_report(cluster, name))
                reported = True
            after.setdefault(cluster, {})[name] = {"idle": since, "reported": reported}
    return notices, after


def _report(cluster: str, node: str) -> Notice:
    return Notice(
        kind=NoticeKind.NODE_IDLE.value,
        sentence=f"No job has run on node {shown_name(node)} for {IDLE_SECONDS / 60:.0f} minutes.",
        path="/cluster",
        data={"cluster": cluster, "node": node, "minutes": IDLE_SECONDS / 60},
    )
