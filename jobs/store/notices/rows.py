"""What the store returns of webhooks and notices, as frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookRecord:
    """A webhook without its address and secret, and how its deliveries stand."""

    id: str
    form: str
    """One of jobs.state.WebhookForm."""
    host: str
    """Of its address."""
    ending: str
    """The last characters of its address, by which its owner knows it."""
    kinds: tuple[str, ...]
    """What it reports, of jobs.state.NoticeKind; none: everything."""
    owner: str
    created: float
    delivered: int
    given_up: int
    """Notices that the receiver did not take in time."""
    waiting: int
    failures: int
    """Tries in a row that failed."""
    next_try: float | None
    """When the next notice is tried again; None: as soon as there is one."""
    error: str | None
    """Why the last try failed; None if it did not."""
    last_sent: float | None
    """When a notice was last delivered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWebhook:
    """A webhook just made."""

    record: WebhookRecord
    secret: str = field(repr=False)
    """Of its signatures, which is shown this once; empty where the form has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something that webhooks report."""

    kind: str
    """One of jobs.state.NoticeKind."""
    sentence: str
    """What happened, in plain words; it may quote what others have written."""
    path: str
    """Of the service's page that shows it; empty where there is none."""
    data: Mapping[str, Any]
    """The same for programs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A notice that a webhook is to send now."""

    webhook: str
    """Its id."""
    form: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    number: int
    """Of the notice; a receiver that has seen it already may drop it."""
    time: float
    """Epoch seconds at which it was made."""
    notice: Notice
    failures: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeWatch:
    """How far events have been read for notices."""

    event: int
    """Number of the last one."""
    seen: Mapping[str, Any]
    """What was known then: plain JSON, whose form is that of `sweeps.web.notices`."""
