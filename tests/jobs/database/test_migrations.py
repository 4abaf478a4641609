"""Migrations: a database that an earlier version filled loses nothing, whichever version and server it is of.

`landed_0004.sql` is the SQLite dump of the store that golfsweep 0.1.0, whose tables are of version 0004, left after it
had run tests/tiny.toml; only paths and host names are changed.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from jobs.database import tables
from jobs.database.engine import HEAD
from jobs.spec import Job
from jobs.state import JobState
from jobs.store import Store
from jobs.store.work.garbage import Reason
from tests.jobs.stores import DONE, FACTS, order

LANDED = Path(__file__).parent / "landed_0004.sql"
MIGRATIONS = Path(tables.__file__).parent / "migrations"
VERSIONS = ("0001", "0002", "0003", "0004", "0005")
MANY, MOST_STATEMENTS = 2000, 100
"""Jobs of a store, and statements of its migration, however many jobs there are."""


def upgrade(engine: sqlalchemy.Engine, version: str) -> None:
    """Bring an empty database to an earlier version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


@pytest.fixture(scope="module")
def dump() -> Iterator[sqlite3.Connection]:
    """The landed version's store as it was."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.executescript(LANDED.read_text())
    yield connection
    connection.close()


@pytest.fixture
def engine(url: str) -> Iterator[sqlalchemy.Engine]:
    """An empty database without migrations."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    made = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


@pytest.fixture
def landed(engine: sqlalchemy.Engine, dump: sqlite3.Connection, url: str) -> Iterator[Store]:
    """The landed version's store, migrated when it is opened."""
    upgrade(engine, "0004")
    reflected = sqlalchemy.MetaData()
    reflected.reflect(engine)
    with engine.begin() as connection:
        for table in reflected.sorted_tables:
            rows = [plain(table, row) for row in dump.execute(f'SELECT * FROM "{table.name}"')]
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), rows)
    store = Store.open(url)
    yield store
    store.close()


def plain(table: sqlalchemy.Table, row: sqlite3.Row) -> dict[str, Any]:
    """A row of the dump as SQLAlchemy takes it: JSON columns as objects."""
    is_json = {column.name for column in table.c if isinstance(column.type, sqlalchemy.JSON)}
    values = dict(row)
    return {name: json.loads(value) if name in is_json and value else value for name, value in values.items()}


def rows_of(dump: sqlite3.Connection, query: str) -> list[Mapping[str, Any]]:
    return [dict(row) for row in dump.execute(query)]


class TestLanded:
    def test_jobs_keep_keys_states_outputs_and_attempts(self, landed: Store, dump: sqlite3.Connection) -> None:
        before = rows_of(dump, "SELECT * FROM jobs JOIN sweep_jobs USING (key) ORDER BY number")
        jobs = landed.jobs(sweep="tiny")
        assert len(before) == 23
        assert [job.key for job in jobs] == [row["key"] for row in before]
        for job, row in zip(jobs, before, strict=True):
            assert Job.from_json(row["job"]).key == job.order.job.key == job.key
            names_seed = f" seed {job.order.job.seed}" if row["kind"] == "audit" else ""  # as an entry has several now
            assert (job.order.job.stage, job.order.label) == (row["kind"], row["label"] + names_seed)
            assert (job.state, job.outputs) == (row["state"], json.loads(row["outputs"]))
            assert (job.order.slots, dict(job.order.places)) == (row["slots"], json.loads(row["places"]))
            assert (job.seconds, job.finished, job.attempt) == (row["seconds"], row["finished"], row["attempt"])
            assert job.attempts_before_request == row["asked"]
            [attempt] = landed.attempts(job.key)
            assert (attempt.state, attempt.sweep) == ("done", "tiny")
            assert attempt.ended is not None and attempt.seconds == pytest.approx(attempt.ended - attempt.started)

    def test_priorities_are_split_from_what_waits_for_a_job(self, landed: Store, dump: sqlite3.Connection) -> None:
        before = {row["key"]: row["priority"] for row in rows_of(dump, "SELECT key, priority FROM jobs")}
        assert set(before.values()) == {0, 1}
        for job in landed.jobs():
            assert (job.order.priority, job.order.awaited) == (0, before[job.key] == 1)

    def test_entries_and_trials_are_read_from_labels(self, landed: Store) -> None:
        with landed._read() as connection:
            table = tables.job_entries
            rows = connection.execute(sqlalchemy.select(table.c.entry, table.c.trial, table.c.key)).all()
        stages = {job.key: job.order.job.stage for job in landed.jobs()}
        counts: dict[tuple[str, int | None, str], int] = {}
        for entry, trial, key in rows:
            counts[entry, trial, stages[key]] = counts.get((entry, trial, stages[key]), 0) + 1
        assert counts == {
            ("lora-ttt", None, "eval"): 2, ("lora-ttt", None, "audit"): 1, ("none", None, "eval"): 2,
            ("none", None, "audit"): 1, ("chimera-611", None, "eval"): 1, ("chimera-611", None, "audit"): 1,
            ("trial 0", 0, "eval"): 2, ("trial 1", 1, "eval"): 1, ("trial 2", 2, "eval"): 1,
            ("trial 3", 3, "eval"): 4, ("trial 3", 3, "audit"): 1,
        }  # fmt: skip

    def test_contents_and_their_jobs_are_registered(self, landed: Store, dump: sqlite3.Connection) -> None:
        made = set()
        for row in rows_of(dump, "SELECT outputs FROM jobs"):
            made |= {
                value for value in json.loads(row["outputs"]).values() if isinstance(value, str) and len(value) == 64
            }
        shards = {row["digest"] for row in rows_of(dump, "SELECT digest FROM shards")}
        known = landed.known_contents()
        assert made and {digest for digest, reason in known.items() if reason is None} == made
        assert {digest for digest, reason in known.items() if reason == Reason.SHARD} == shards - made
        with landed._read() as connection:
            links = connection.execute(sqlalchemy.select(tables.content_links)).all()
            assert set(connection.execute(sqlalchemy.select(tables.contents.c.digest)).scalars()) == made | shards
        reads = {(link.key, link.name): link.digest for link in links if link.role == "reads"}
        assert reads == {
            (job.key, name): digest
            for job in landed.jobs()
            for name, digest in job.order.job.inputs.items()
            if name not in job.order.places
        }
        assert {link.name for link in links if link.role == "makes"} == {
            "weights", "metrics", "log", "artifact", "scores", "certificate",
        }  # fmt: skip

    def test_what_is_lost_is_made_again_by_the_job_that_made_it(self, landed: Store) -> None:
        [training] = [job for job in landed.jobs() if job.order.label == "train seed 3"]
        assert landed.lose_content((training.outputs or {})["weights"])
        requeued = landed.job(training.key)
        assert requeued is not None and requeued.state == JobState.QUEUED

    def test_the_sweep_keeps_its_facts_has_no_owner_and_goes_on(self, landed: Store) -> None:
        sweep = landed.sweep("tiny")
        assert sweep is not None
        assert (sweep.state, sweep.owner, sweep.tags, sweep.entries_version) == ("done", "", (), 0)
        assert sweep.spent_hours == pytest.approx(0.0245934, rel=1e-5)
        assert [trial.number for trial in landed.trials("tiny", _search(landed))] == [0, 1, 2, 3]
        landed.put_sweep("tiny", sweep.spec)
        landed.put_job(order(1, sweep="tiny"))
        landed.beat("a")
        [claimed] = landed.claim("a", 1)
        landed.finish(claimed.key, landed.start_attempt(claimed.key, "a", sweep="tiny", **FACTS), {}, **DONE)


def _search(store: Store) -> str:
    with store._read() as connection:
        digest: str = connection.execute(sqlalchemy.select(tables.trials.c.search).distinct()).scalar_one()
    return digest


class TestVersions:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_store_of_any_earlier_version_is_brought_up_to_date(
        self, engine: sqlalchemy.Engine, url: str, version: str
    ) -> None:
        upgrade(engine, version)
        wanted = order(1, label="base seed 1")
        # Version 0005 renamed a column, and made a column of its own of the lowest digit of the priority.
        column, priority = ("kind", 7) if version < "0005" else ("stage", 3)
        with engine.begin() as connection:
            connection.execute(
                sqlalchemy.text("INSERT INTO sweeps (name, spec, created, state) VALUES ('s', '{}', 1, 'running')")
            )
            connection.execute(
                sqlalchemy.text(
                    f"INSERT INTO jobs (key, {column}, job, slots, places, priority, number, created, state, "
                    "failures, attempt, fraction, note) "
                    f"VALUES (:key, 'eval', :job, 1, '{{}}', {priority}, 1, 1, 'queued', 0, 0, 0, '')"
                ),
                {"key": wanted.job.key, "job": wanted.job.canonical()},
            )
            connection.execute(
                sqlalchemy.text("INSERT INTO sweep_jobs (sweep, key, label) VALUES ('s', :key, 'base seed 1')"),
                {"key": wanted.job.key},
            )
        if version != "0001":  # version 0002 is what wrote down every job's machine class
            with engine.begin() as connection:
                machine = {"machine": wanted.job.machine.slot_class}
                connection.execute(sqlalchemy.text("UPDATE jobs SET machine = :machine"), machine)
        store = Store.open(url)
        [job] = store.jobs(sweep="s")
        assert (job.key, job.order.priority, job.order.awaited) == (wanted.job.key, 3, True)
        store.beat("a")
        [claimed] = store.claim("a", 1, machines=[wanted.job.machine.slot_class])
        assert claimed.key == job.key
        store.close()

    def test_the_migrations_make_the_tables_that_the_code_uses(self, engine: sqlalchemy.Engine, url: str) -> None:
        """A database that is new gets those at once."""
        upgrade(engine, "head")
        migrated = shape_of(engine)
        with engine.begin() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": False})
            assert compare_metadata(context, tables.metadata) == []
            assert context.get_current_revision() == HEAD
            for name in migrated:
                connection.exec_driver_sql(f"DROP TABLE {name}" + (" CASCADE" if "postgresql" in url else ""))
        Store.open(url).close()
        assert shape_of(engine) == migrated
        with engine.connect() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == HEAD


def shape_of(engine: sqlalchemy.Engine) -> dict[str, Any]:
    """Tables, columns, keys and indexes of a database, whatever their order."""
    inspector = sqlalchemy.inspect(engine)
    return {
        name: {
            "columns": {
                column["name"]: {**column, "type": str(column["type"])} for column in inspector.get_columns(name)
            },
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "foreign": sorted(str(key) for key in inspector.get_foreign_keys(name)),
            "indexes": {index["name"]: index for index in inspector.get_indexes(name)},
            "unique": inspector.get_unique_constraints(name),
        }
        for name in inspector.get_table_names()
    }


def test_the_number_of_jobs_does_not_change_how_many_statements_a_migration_takes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/large.db"
    engine = sqlalchemy.create_engine(url)
    upgrade(engine, "0004")
    job, places = order(1).job.canonical(), json.dumps({"tokens": "/t"})
    rows = [
        {
            "key": f"{number:064x}", "kind": "eval", "job": job, "slots": 1, "places": places, "priority": number % 4,
            "number": number, "created": 1.0, "state": "done", "failures": 0, "attempt": 1, "fraction": 1.0, "note": "",
            "outputs": json.dumps({"scores": f"{number:064x}", "nll": 1.0}), "machine": "", "asked": 0,
        }
        for number in range(MANY)
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("INSERT INTO sweeps (name, spec, created, state) VALUES ('s', '{}', 1, 'done')")
        )
        names = ", ".join(rows[0])
        connection.execute(
            sqlalchemy.text(f"INSERT INTO jobs ({names}) VALUES ({', '.join(f':{name}' for name in rows[0])})"), rows
        )
        connection.execute(
            sqlalchemy.text("INSERT INTO sweep_jobs (sweep, key, label) VALUES ('s', :key, :label)"),
            [{"key": row["key"], "label": f"trial {row['number']} seed 1"} for row in rows],
        )
    engine.dispose()
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        store = Store.open(url)
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    with store._read() as connection:
        for table in (tables.job_entries, tables.contents, tables.content_links):
            assert connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar() == MANY
    store.close()
    assert 0 < len(statements) < MOST_STATEMENTS
