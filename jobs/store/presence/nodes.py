"""Nodes: the result of the last check of each."""

from dataclasses import asdict

from sqlalchemy import select

from golf.errors import InputError, shown_name
from jobs.database import tables
from jobs.state import EventKind
from jobs.store.event_log import record_event
from jobs.store.rows import NodeRecord
from jobs.store.transactions import Transactions, write_row


class Nodes(Transactions):
    """Nodes of a store's clusters."""

    def put_node(self, node: NodeRecord) -> None:
        """Write down the result of a check; a node that becomes unusable, or usable again, is an event."""
        verdict, table = asdict(node), tables.nodes
        key = {name: verdict.pop(name) for name in ("cluster", "name")}
        this_row = (table.c.cluster == node.cluster) & (table.c.name == node.name)
        with self._write() as connection:
            was_good = connection.execute(select(table.c.good).where(this_row)).scalar()
            write_row(connection, table, key, verdict)
            if node.good != (was_good is None or was_good):
                kind = EventKind.NODE_RETURNED if node.good else EventKind.NODE_QUARANTINED
                facts = {"cluster": node.cluster, "node": node.name, "host": node.host, "reason": node.reason}
                record_event(connection, kind, self._clock(), self.user, **facts)

    def drain_node(self, cluster: str, name: str) -> NodeRecord:
        """Start no more jobs on a node until it is given back; those that run there end by themselves.

        Raises:
            InputError: no such node is known.
        """
        return self._decide(cluster, name, f"drained by {self.user}")

    def restore_node(self, cluster: str, name: str) -> NodeRecord:
        """Let jobs start on a node again, whyever none did.

        Raises:
            InputError: no such node is known.
        """
        return self._decide(cluster, name, "")

    def _decide(self, cluster: str, name: str, reason: str) -> NodeRecord:
        """Write down that somebody wants a node used (no reason), or not."""
        host = next((node.host for node in self.nodes(cluster) if node.name == name), None)
        if host is None:
            attempts = tables.attempts
            query = select(attempts.c.host).where(attempts.c.node == name).order_by(attempts.c.started.desc()).limit(1)
            with self._read() as connection:
                host = connection.execute(query).scalar()
        if host is None:
            raise InputError(f'cluster "{shown_name(cluster)}": no node "{shown_name(name)}" was checked or ran a job')
        node = NodeRecord(
            cluster=cluster, name=name, host=host, good=not reason, reason=reason, checked=self._clock(), until=None
        )
        self.put_node(node)
        return node

    def nodes(self, cluster: str | None = None) -> list[NodeRecord]:
        """Nodes that were checked, of one cluster or of all."""
        table = tables.nodes
        query = select(table).order_by(table.c.cluster, table.c.host, table.c.name)
        with self._read() as connection:
            rows = connection.execute(query if cluster is None else query.where(table.c.cluster == cluster)).mappings()
            return [NodeRecord(**row) for row in rows]
