"""The description of the service's API, as it is served at /openapi.json."""

from pathlib import Path
from typing import Any

from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service


def describe_api() -> dict[str, Any]:
    """The OpenAPI document of a service, which does not depend on its database."""
    place = Workplace.empty(Path("home"))
    return make_app(Service(place=place, host="127.0.0.1", port=8080)).openapi()
