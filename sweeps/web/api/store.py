"""The store's methods, an endpoint each, for schedulers and commands that reach the database through this service.

Each endpoint's form comes from the method's own signature, its scope from `jobs.remote.methods`. What it writes is
written in the name of the token's owner; a scheduler is the process that its requests name.
"""

import logging
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from golf.errors import InputError
from jobs.machine.host import identity
from jobs.remote.connection import PROCESS_HEADER
from jobs.remote.methods import METHODS, MOST_ITEMS
from jobs.remote.signatures import signature_of, write
from jobs.store import Store
from jobs.store.transactions import ActingProcess
from sweeps.web.api.parameters import CallerOf, HomePlace
from sweeps.web.problems import declare

router = APIRouter(prefix="/store", tags=["store"])
_log = logging.getLogger(__name__)
ProcessHeader = Annotated[
    str | None,
    Header(
        alias=PROCESS_HEADER,
        max_length=300,
        pattern=r"^[0-9]{1,9} [!-~][ -~]*$",
        description="The process that calls: its number and its machine.",
    ),
]


def _acting_store(place: HomePlace, caller: CallerOf, process: ProcessHeader = None) -> Store:
    """The store for whoever calls."""
    number, _, host = (process or "").partition(" ")
    acting = ActingProcess(host=_as_elsewhere(host), pid=int(number)) if host else None
    return place.store.acting_as(caller.owner, acting)


def _as_elsewhere(host: str) -> str:
    """The name of a machine whose heartbeats are of this one's clock: only its own processes may read them as theirs.

    A machine of its own that also has the database itself would compare them with the wrong clock.
    """
    return host if host == identity() else f"{host} via {identity()}"


ActingStore = Annotated[Store, Depends(_acting_store)]


def _endpoint(name: str) -> Callable[..., Response]:
    def call(arguments: BaseModel, store: Store) -> Response:
        given = {field: getattr(arguments, field) for field in arguments.model_fields_set}
        if "limit" in type(arguments).model_fields:
            asked = getattr(arguments, "limit", None)
            given["limit"] = MOST_ITEMS if asked is None else max(0, min(asked, MOST_ITEMS))
        try:
            content = write(getattr(store, name)(**given))
        except InputError:
            raise
        except (SQLAlchemyError, LookupError, ValueError, TypeError, ArithmeticError) as error:
            # The forms of arguments are checked, not all that a database demands of them, or the store of a job's key.
            _log.warning("%s refused: %s: %s", name, type(error).__name__, _reason_of(error))
            raise InputError(f"{name}: the store cannot take these arguments ({type(error).__name__})") from None
        return Response(content, media_type="application/json")

    call.__annotations__ = {"arguments": signature_of(name).arguments, "store": ActingStore, "return": Response}
    call.__doc__, call.__name__ = getattr(Store, name).__doc__, name
    return call


def _reason_of(error: Exception) -> str:
    """What went wrong, without the values that a statement had: addresses of webhooks are secrets."""
    return " ".join(str(getattr(error, "orig", None) or error).split())[:500]


for _name in METHODS:
    router.add_api_route(
        f"/{_name}",
        _endpoint(_name),
        methods=["POST"],
        summary=f"Store.{_name}",
        response_model=signature_of(_name).result_type,
        responses=declare(409, 422),
    )
