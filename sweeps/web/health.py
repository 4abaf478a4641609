"""Whether the service lives, and whether it can answer."""

from fastapi import APIRouter
from pydantic import BaseModel

from sweeps.web.api.parameters import HomePlace
from sweeps.web.problems import declare

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """It answers."""

    status: str = "ok"


@router.get("/healthz", responses=declare())
def healthz() -> Health:
    """The process lives; whether its database does is `/readyz`."""
    return Health()


@router.get("/readyz", responses=declare())
def readyz(place: HomePlace) -> Health:
    """The database answers, too; 503 where it does not."""
    place.store.last_event()
    return Health()
