"""What a job completed before it failed is kept, once it has failed for good."""

from jobs.events import FAILED_AFTER, Failed, Failure
from jobs.files import FileStore
from jobs.state import JobState
from tests.cluster.dictated import TRAINED, World
from tests.cluster.orders import Orders


def failed(content: bytes) -> Failed:
    return Failed(failure=Failure.CRASH, reason="x", files={"artifact": content})


def test_outputs_of_the_last_failure_are_contents_of_the_job(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    for number in range(3):
        assert world.job(key).outputs is None
        world.step(failed(f"artifact {number}".encode()))
        world.step()
    job = world.job(key)
    assert job.state == JobState.FAILED
    assert job.outputs == {"artifact": FileStore(world.home.files).put(b"artifact 2")}
    assert world.files.get(job.outputs["artifact"]) == b"artifact 2"
    assert set(job.outputs.values()) <= set(world.store.known_contents())


def test_a_job_that_failed_after_all_its_outputs_is_usable_and_neither_retried_nor_requested_again(
    world: World, orders: Orders
) -> None:
    key = world.put(orders.train())
    world.step()
    whole = Failed(
        failure=Failure.CRASH,
        reason="x",
        files={"artifact": b"artifact"},
        outputs={"artifact": None, FAILED_AFTER: "crash: x"},
    )
    world.step(whole)
    world.step()
    world.put(orders.train())
    job = world.job(key)
    assert (job.state, job.attempt, job.is_usable) == (JobState.FAILED, 1, True)
    assert job.outputs == {"artifact": FileStore(world.home.files).put(b"artifact"), FAILED_AFTER: "crash: x"}
    assert world.store.lose_content(job.outputs["artifact"])
    assert world.job(key).state == JobState.QUEUED


def test_a_later_success_writes_all_outputs_anew(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    for _ in range(3):
        world.step(failed(b"artifact"))
        world.step()
    world.put(orders.train())
    world.step()
    world.step(TRAINED)
    job = world.job(key)
    assert job.state == JobState.DONE
    assert job.outputs == {"steps": 1, "weights": FileStore(world.home.files).put(b"w")}


def test_a_job_that_is_tried_again_has_no_outputs_until_it_ends(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    for content in (b"first", b"second"):
        for _ in range(3):
            world.step()
            world.step(failed(content))
        assert world.job(key).outputs == {"artifact": FileStore(world.home.files).put(content)}
        world.put(orders.train())
        assert (world.job(key).state, world.job(key).outputs) == (JobState.QUEUED, None), "no follower goes by them"


def test_a_failure_does_not_replace_the_outputs_of_a_success(world: World, orders: Orders) -> None:
    key = world.put(orders.train())
    world.step()
    world.step(TRAINED)
    before = world.job(key).outputs
    assert before is not None
    world.store.lose_content(before["weights"])
    world.put(orders.train())
    for _ in range(3):
        world.step()
        world.step(failed(b"artifact"))
    assert (world.job(key).state, world.job(key).outputs) == (JobState.FAILED, before)
