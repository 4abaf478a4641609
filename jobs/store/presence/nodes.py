"""Nodes: what was found when each was last looked at."""

from dataclasses import asdict

from sqlalchemy import select

from jobs.database import tables
from jobs.store.rows import NodeRecord
from jobs.store.transactions import Transactions, write_row


class Nodes(Transactions):
    """Nodes of a store's clusters."""

    def put_node(self, node: NodeRecord) -> None:
        """Write down what was found of a node."""
        found = asdict(node)
        key = {name: found.pop(name) for name in ("cluster", "name")}
        with self._write() as connection:
            write_row(connection, tables.nodes, key, found)

    def nodes(self, cluster: str | None = None) -> list[NodeRecord]:
        """Nodes that were looked at, of one cluster or of all."""
        table = tables.nodes
        query = select(table).order_by(table.c.cluster, table.c.host, table.c.name)
        with self._read() as connection:
            rows = connection.execute(query if cluster is None else query.where(table.c.cluster == cluster)).mappings()
            return [NodeRecord(**row) for row in rows]
