"""Acting for somebody else on the same database: events name him, and his process is judged alive or dead."""

import os

from jobs.machine.host import identity
from jobs.store import Store
from jobs.store.transactions import ActingProcess


def test_events_name_who_acts_and_leases_are_his_own(store: Store) -> None:
    anna = store.acting_as("anna")
    store.put_sweep("demo", {})
    anna.cancel_sweep("demo")
    assert store.events()[-1].who == "anna"
    assert store.user != "anna"
    anna.drive("demo", "driver", "cluster")
    assert store.acting_as("ben")._actor("demo") == "ben"


def test_a_scheduler_elsewhere_lives_by_its_heartbeat(store: Store) -> None:
    pod = store.acting_as("anna", ActingProcess(host="pod", pid=1))
    pod.beat("far", "pod's cluster", 2, 2)
    [record] = store.live_schedulers()
    assert (record.host, record.pid) == ("pod", 1)
    dead = store.acting_as("anna", ActingProcess(host=identity(), pid=2**22 + 1))
    dead.beat("gone", "other", 1, 1)
    assert [each.name for each in store.live_schedulers()] == ["far"]
    assert store.process == ActingProcess(host=identity(), pid=os.getpid())
