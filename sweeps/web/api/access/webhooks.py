"""Webhooks, for those with the scope `admin`: where notices are sent, and whether they arrive."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from jobs.state import NoticeKind, WebhookForm
from jobs.store import Store, WebhookRecord
from jobs.store.notices.webhooks import MOST_URL_CHARACTERS
from sweeps.web.api.parameters import ActingStore, HomePlace
from sweeps.web.problems import NotFound, declare

router = APIRouter(tags=["webhooks"])
IdPath = Annotated[str, Path(pattern="^[0-9a-f]{8}$", description="Id of a webhook.")]


class WebhookDraft(BaseModel):
    """Where notices are to be sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    form: WebhookForm = Field(description="Of what is sent; `generic` is JSON with a signature.")
    url: str = Field(min_length=1, max_length=MOST_URL_CHARACTERS, description="A secret: no answer repeats it.")
    kinds: list[NoticeKind] = Field(
        default=[], max_length=len(NoticeKind), description="What is reported; none: everything."
    )


class WebhookView(BaseModel):
    """A webhook, and how its deliveries stand."""

    id: str
    form: WebhookForm
    host: str = Field(description="Of its address.")
    ending: str = Field(description="The last characters of its address.")
    kinds: list[NoticeKind]
    owner: str
    created: float = Field(description="Epoch seconds.")
    delivered: int = Field(description="Notices that arrived.")
    given_up: int = Field(description="Notices that did not arrive within a day, or were refused for good.")
    waiting: int = Field(description="Notices that are still to be sent.")
    failures: int = Field(description="Tries in a row that failed.")
    next_try: float | None
    error: str | None = Field(description="Why the last try failed.")
    last_sent: float | None


class MadeWebhook(WebhookView):
    """A webhook just made."""

    secret: str = Field(description="Of its signatures, shown this once; empty where the form has none.")


class WebhookList(BaseModel):
    """All webhooks, oldest first."""

    webhooks: list[WebhookView]


@router.get("/webhooks", responses=declare())
def list_webhooks(place: HomePlace) -> WebhookList:
    """All webhooks, without their addresses."""
    return WebhookList(webhooks=[_view(record) for record in place.store.webhooks()])


@router.post("/webhooks", status_code=201, responses=declare(409, 422))
def add_webhook(body: WebhookDraft, store: ActingStore) -> MadeWebhook:
    """Report what happens from now on to an address. 409: it has a webhook, or there are too many."""
    made = store.add_webhook(body.form, body.url, body.kinds)
    return MadeWebhook(**_view(made.record).model_dump(), secret=made.secret)


@router.delete("/webhooks/{id}", responses=declare(404, 422))
def remove_webhook(id: IdPath, store: ActingStore) -> WebhookView:
    """Send nothing more to an address."""
    _require(id, store)
    return _view(store.remove_webhook(id))


@router.post("/webhooks/{id}/test", status_code=202, responses=declare(404, 422))
def test_webhook(id: IdPath, store: ActingStore) -> WebhookView:
    """Send a notice that says that the webhook works, at once; the list shows whether it arrived."""
    _require(id, store)
    return _view(store.test_webhook(id))


def _require(name: str, store: Store) -> None:
    if name not in {record.id for record in store.webhooks()}:
        raise NotFound("no webhook of that id; GET /api/v1/webhooks lists them")


def _view(record: WebhookRecord) -> WebhookView:
    return WebhookView.model_validate(record, from_attributes=True)
