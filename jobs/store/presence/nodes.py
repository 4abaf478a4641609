"""Nodes: the result of the last check of each."""

from dataclasses import asdict

from sqlalchemy import select

from jobs.database import tables
from jobs.store.rows import NodeRecord
from jobs.store.transactions import Transactions, write_row


class Nodes(Transactions):
    """Nodes of a store's clusters."""

    def put_node(self, node: NodeRecord) -> None:
        """Write down the result of a check."""
        verdict = asdict(node)
        key = {name: verdict.pop(name) for name in ("cluster", "name")}
        with self._write() as connection:
            write_row(connection, tables.nodes, key, verdict)

    def nodes(self, cluster: str | None = None) -> list[NodeRecord]:
        """Nodes that were checked, of one cluster or of all."""
        table = tables.nodes
        query = select(table).order_by(table.c.cluster, table.c.host, table.c.name)
        with self._read() as connection:
            rows = connection.execute(query if cluster is None else query.where(table.c.cluster == cluster)).mappings()
            return [NodeRecord(**row) for row in rows]
