"""The thread that makes notices of events and sends them, as long as this process has the lease on it."""

import concurrent.futures
import json
import sys
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from golf.threads import BackgroundThread
from jobs.errors import LostLease, StoreUnavailable
from jobs.machine.clock import boot_seconds, steady_epoch
from jobs.secrets import hide_passwords
from jobs.store import Delivery, NoticeWatch
from jobs.workplace import Workplace
from sweeps.web.notices.concluding import conclude
from sweeps.web.notices.observing import observe
from sweeps.web.notices.retries import Answer, plan_retry
from sweeps.web.notices.sending import send

LOOK_SECONDS = 1.0
"""Between two looks at events and webhooks."""
BEAT_SECONDS = 5.0
"""Between two heartbeats, and between two looks at nodes."""
LAST_SECONDS = 2.0
"""For what is on its way when the service stops."""
REST_SECONDS = 30.0
"""After an error that is not foreseen."""
MOST_SENT = 4
"""Notices that are on their way at once, each of another webhook."""
MOST_EVENTS = 1000
"""That are read at once."""
Send = Callable[[Delivery], Answer]


class NoticeSender:
    """Makes and sends the notices of a home; `step` does what is due, `run` repeats it until `stop`."""

    def __init__(self, place: Workplace, base: str, *, private: bool = False, send: Send | None = None) -> None:
        """Prepare.

        Args:
            place: the home.
            base: the service's own address, for links.
            private: whether notices may go to private addresses, and without TLS.
            send: sends one notice.
        """
        self._place, self._store = place, place.store
        self._send = send or (lambda delivery: _send(delivery, base, private))
        self._name = f"service-{uuid.uuid4().hex[:12]}"
        self._pool = ThreadPoolExecutor(MOST_SENT, thread_name_prefix="notice")
        self._sent: dict[str, tuple[Delivery, Future[Answer]]] = {}
        """What is on its way, by webhook."""
        self._has_lease, self._next_beat = False, 0.0
        self._stopping, self._wake = Event(), Event()
        self._thread = BackgroundThread("notices", self.run)

    def start(self) -> None:
        """Begin in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is on its way is sent again by whoever goes on, unless it arrives at once."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_running:
            self._thread.join(2 * LAST_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def run(self) -> None:
        """Do what is due, again and again; outages of the database are waited out."""
        wait = LOOK_SECONDS
        while not self._stopping.is_set():
            try:
                self.step()
                wait = LOOK_SECONDS
            except StoreUnavailable:
                wait = LOOK_SECONDS
            except Exception:  # a defect of ours must not end all notices; it is said, and what follows is tried
                _write_error()
                wait = REST_SECONDS
            self._wake.wait(wait)  # or until an answer has come
            self._wake.clear()
        try:
            if self._has_lease:
                concurrent.futures.wait([future for _, future in self._sent.values()], timeout=LAST_SECONDS)
                self._settle()
                self._store.leave_notices(self._name)
        except (StoreUnavailable, LostLease):
            return  # the lease lapses by itself

    def step(self) -> None:
        """Take or keep the lease, make notices of new events, send what is due, and note what has arrived."""
        if (watch := self._store.notice_watch()) is None:
            return
        beats = boot_seconds() >= self._next_beat
        if beats:
            self._has_lease = self._store.take_notices(self._name)
            self._next_beat = boot_seconds() + BEAT_SECONDS
        if not self._has_lease:
            return
        try:
            self._settle()
            self._make(watch, nodes=beats)
        except LostLease:
            self._has_lease = False
            return
        for delivery in self._store.due_deliveries():
            if delivery.webhook not in self._sent:
                future = self._pool.submit(self._send, delivery)
                self._sent[delivery.webhook] = delivery, future
                future.add_done_callback(lambda _: self._wake.set())

    def _make(self, watch: NoticeWatch, *, nodes: bool) -> None:
        events = self._store.events(watch.event, limit=MOST_EVENTS)
        if not events and not nodes:
            return
        conclusion = conclude(events, watch.seen, observe(events, self._place, nodes=nodes))
        if events or conclusion.seen != watch.seen:
            last = events[-1].id if events else watch.event
            self._store.put_notices(self._name, conclusion.notices, NoticeWatch(event=last, seen=conclusion.seen))

    def _settle(self) -> None:
        """Write down what came of the tries that have ended."""
        for webhook, (delivery, future) in list(self._sent.items()):
            if not future.done():
                continue
            answer = future.result()
            if not answer.error:
                self._store.note_delivered(self._name, delivery)
            else:
                retry = plan_retry(answer, delivery.failures, steady_epoch() - delivery.time)
                self._store.note_failed(self._name, delivery, answer.error, retry.wait, give_up=retry.give_up)
            del self._sent[webhook]


def _send(delivery: Delivery, base: str, private: bool) -> Answer:
    try:
        return send(delivery, base, private=private)
    except Exception:  # the same notice would fail again, and hold up those after it
        _write_error()
        return Answer(status=400, error="could not be written; the service's log says why")


def _write_error() -> None:
    """A line of the log."""
    text = hide_passwords(traceback.format_exc(limit=-3))
    print(json.dumps({"notices": "failed", "error": text}), file=sys.stderr, flush=True)
