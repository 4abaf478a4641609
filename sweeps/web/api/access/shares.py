"""Share links: a sweep or an entry that is shown to whoever has the link, until it expires or is revoked."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from jobs.store import NewShare, ShareRecord, Store
from jobs.store.access.shares import MOST_DAYS
from jobs.workplace import Workplace
from sweeps.entries.reading import read_entry
from sweeps.web.addresses import share_address
from sweeps.web.api.parameters import ActingStore, HomePlace, require_sweep
from sweeps.web.problems import NotFound, declare

router = APIRouter(tags=["shares"])
DAYS = 7.0
IdPath = Annotated[str, Path(pattern="^[0-9a-f]{8}$", description="Id of a link.")]


class LinkDraft(BaseModel):
    """What a link is to show."""

    model_config = ConfigDict(extra="forbid")
    sweep: str = Field(min_length=1, max_length=80)
    entry: str | None = Field(default=None, min_length=1, max_length=120, description="Null: the whole sweep.")
    days: float = Field(default=DAYS, gt=0, le=MOST_DAYS, description="Until it expires.")


class LinkView(BaseModel):
    """A link without its secret."""

    id: str
    sweep: str
    entry: str | None
    owner: str
    created: float = Field(description="Epoch seconds.")
    expires: float
    revoked: float | None
    used: float | None = Field(description="About when it was last opened.")


class MadeLink(LinkView):
    """A link just made."""

    path: str = Field(description="Of its page, shown this once.")
    url: str = Field(description="The same with the service's own address.")


class LinkList(BaseModel):
    """All links, oldest first."""

    shares: list[LinkView]


@router.get("/shares", responses=declare())
def list_shares(place: HomePlace) -> LinkList:
    """All links, those that are no longer good among them."""
    return LinkList(shares=[_view(record) for record in place.store.shares()])


@router.post("/shares", status_code=201, responses=declare(404, 422))
def create_share(body: LinkDraft, request: Request, place: HomePlace, store: ActingStore) -> MadeLink:
    """Make a link that shows a sweep, or one of its entries, without a login."""
    made = make_share(body.sweep, body.entry, body.days, place, store)
    return MadeLink(
        **_view(made.record).model_dump(), path=share_address(made.text), url=link_of(made, request)
    )  # fmt: skip


@router.delete("/shares/{id}", responses=declare(404, 422))
def revoke_share(id: IdPath, store: ActingStore) -> LinkView:
    """Take a link back."""
    if id not in {record.id for record in store.shares()}:
        raise NotFound("no link of that id; GET /api/v1/shares lists them")
    return _view(store.revoke_share(id))


def make_share(sweep: str, entry: str | None, days: float, place: Workplace, store: Store) -> NewShare:
    """Make a link.

    Raises:
        NotFound: there is no such sweep or entry.
    """
    require_sweep(sweep, place)
    if entry is not None and ("\x00" in entry or read_entry(sweep, entry, place) is None):
        raise NotFound("the sweep has no entry of that name")
    return store.create_share(sweep, entry, days)


def link_of(made: NewShare, request: Request) -> str:
    """A link with the service's address: that of its proxy if it has one, else the one that it was called at."""
    service = request.app.state.service
    base = service.base_url if service.names else str(request.base_url).rstrip("/")
    return f"{base}{share_address(made.text)}"


def _view(record: ShareRecord) -> LinkView:
    return LinkView.model_validate(record, from_attributes=True)
