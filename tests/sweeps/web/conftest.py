"""A finished sweep behind the service, once for all tests, and clients with tokens of each scope."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from golf.data.corpus import DemoData
from jobs.remote.connection import ServerAddress
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.sweeps import inline

NAME = "localhost"
Connect = Callable[..., TestClient]


@pytest.fixture(scope="session")
def place(demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """The home of a finished sweep; tests of the service read it alone."""
    opened = Workplace.open(tmp_path_factory.mktemp("served") / "home")
    data = inline.cut_data(demo, tmp_path_factory.mktemp("few") / "documents")
    assert inline.run(inline.spec_of(data), opened).done
    yield opened
    opened.store.close()


@pytest.fixture(scope="session")
def connect(place: Workplace) -> Connect:
    """A client of the service with a token of a scope, or without one."""
    tokens = {scope: place.store.create_token(scope, f"{scope}er", days=1).text for scope in Scope}

    def make(scope: Scope | None = Scope.READ, *, public: bool = False, per_minute: int = 100_000) -> TestClient:
        service = Service(place=place, host="127.0.0.1", port=0, public=public, requests_per_minute=per_minute)
        headers = {} if scope is None else {"Authorization": f"Bearer {tokens[scope]}"}
        return TestClient(make_app(service), base_url=f"http://{NAME}", headers=headers, raise_server_exceptions=False)

    return make


@pytest.fixture
def own_place(tmp_path: Path) -> Iterator[Workplace]:
    """An empty home, for a test that changes it."""
    opened = Workplace.open(tmp_path / "home")
    yield opened
    opened.store.close()


@pytest.fixture
def at_service(own_place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Workplace]:
    """The same home through the service, with a token of a scope: what is sent passes all of it but the network."""

    def reach(scope: Scope = Scope.SUBMIT, owner: str = "anna", **limits: int) -> Workplace:
        token = own_place.store.create_token(scope, owner, days=1).text
        service = Service(place=own_place, host="127.0.0.1", port=0, **limits)
        place = Workplace.at_server(own_place.home.root.parent / "pod", ServerAddress(f"http://{NAME}", token))
        assert place.connection is not None
        client = TestClient(make_app(service), headers=place.connection.headers(), raise_server_exceptions=False)
        place.connection._client = client
        return place

    return reach


@pytest.fixture
def home(place: Workplace) -> Path:
    """The served home's folder."""
    return place.home.root
