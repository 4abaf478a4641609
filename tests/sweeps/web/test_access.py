"""Who may do what: refused before a handler or a body is reached, whatever the method and path."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.security.access import OPEN, required_scope
from sweeps.web.security.headers import HEADERS
from sweeps.web.service import Service
from tests.sweeps.web.conftest import Connect

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
ADMINS = "/api/v1/tokens"


def endpoints(connect: Connect) -> Iterator[tuple[str, str]]:
    """Every method and path of the application."""
    for path, methods in connect(None).get("/openapi.json").json()["paths"].items():
        for method in methods:
            yield method.upper(), path.replace("{name}", "x").replace("{entry}", "y").replace("{key}", "0" * 64)


@given(st.sampled_from(METHODS), st.text(max_size=40))
def test_only_reading_the_open_paths_needs_no_token(method: str, path: str) -> None:
    assert (required_scope(method, path) is None) == (path in OPEN and method in ("GET", "HEAD"))
    if method not in ("GET", "HEAD"):
        assert required_scope(method, path) in (Scope.SUBMIT, Scope.ADMIN)


def test_no_endpoint_answers_without_a_token(connect: Connect) -> None:
    client = connect(None)
    for method, path in endpoints(connect):
        if path not in OPEN:
            answer = client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":  # whose answers have no body
                assert "golfsweep token create" in answer.json()["hint"]


@pytest.mark.parametrize("header", [
    "", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer gs_00000000_xxxx", "bearer gs__", "Bearer " + "x" * 9999,
    "Bearer gs_\xff_\xfe",
])  # fmt: skip
def test_a_wrong_token_is_none(connect: Connect, header: str) -> None:
    answer = connect(None).get("/api/v1/sweeps", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize("text", ["gs_\x00_x", "gs_a\x00_x", "gs_'_x", "gs__x", "gs_\ud800_x"])
def test_what_no_token_is_named_is_not_looked_up(place: Workplace, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place.store, "_read", lambda: pytest.fail("PostgreSQL refuses NUL and half characters"))
        assert place.store.find_token(text) is None


def test_a_token_ends_when_it_is_revoked(connect: Connect, place: Workplace) -> None:
    made = place.store.create_token(Scope.READ, "guest", days=1)
    client = connect(None)
    headers = {"Authorization": f"Bearer {made.text}"}
    assert client.get("/api/v1/sweeps", headers=headers).status_code == 200
    place.store.revoke_token(made.record.id)
    assert client.get("/api/v1/sweeps", headers=headers).status_code == 401


def test_scopes(connect: Connect) -> None:
    allowed = {
        scope: [connect(scope).get("/api/v1/sweeps").status_code, connect(scope).get(ADMINS).status_code]
        for scope in Scope
    }
    assert allowed == {Scope.READ: [200, 403], Scope.SUBMIT: [200, 403], Scope.ADMIN: [200, 200]}
    assert connect(Scope.READ).post("/api/v1/sweeps").status_code == 403
    assert connect(Scope.READ).request("DELETE", "/api/v1/sweeps/x").status_code == 403


def test_public_reading_is_reading(connect: Connect) -> None:
    anybody = connect(None, public=True)
    assert anybody.get("/api/v1/leaderboard").status_code == 200
    assert anybody.get(ADMINS).status_code == 401
    assert anybody.post("/api/v1/sweeps").status_code == 401
    assert anybody.get("/api/v1/sweeps", headers={"Authorization": "Bearer gs_0_0"}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.2"])
def test_requests_for_other_hosts_are_refused(connect: Connect, host: str) -> None:
    assert connect().get("/api/v1/sweeps", headers={"Host": host}).status_code == 400


def test_every_answer_has_the_headers_that_bind_browsers(connect: Connect) -> None:
    for path in ("/healthz", "/api/v1/leaderboard", "/nothing"):
        answer = connect().get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_large_body_is_refused_before_it_is_read(connect: Connect) -> None:
    client = connect(Scope.SUBMIT)
    read = 0

    def body() -> Iterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 2**20

    assert client.post("/api/v1/sweeps", content=b"x", headers={"Content-Length": str(10**12)}).status_code == 413
    assert client.post("/api/v1/sweeps", content=b"x", headers={"Content-Length": "-1"}).status_code in (400, 413)


def test_too_many_requests_are_refused_with_when_to_come_back(connect: Connect) -> None:
    client = connect(per_minute=3)
    codes = [client.get("/api/v1/sweeps").status_code for _ in range(8)]
    assert codes[:3] == [200] * 3 and codes[-1] == 429
    assert client.get("/api/v1/sweeps").headers["retry-after"] == "60"


def test_guessing_tokens_is_bounded(connect: Connect) -> None:
    client = connect(None, per_minute=5)
    codes = [
        client.get("/api/v1/sweeps", headers={"Authorization": f"Bearer gs_12345678_{guess}"}).status_code
        for guess in range(20)
    ]
    assert codes.count(401) <= 10 and codes[-1] == 429
    others = [
        client.get("/api/v1/sweeps", headers={"Authorization": f"Bearer gs_{guess:08}_x"}).status_code
        for guess in range(120)
    ]
    assert others.count(401) <= 100 and others[-1] == 429, "another id for each guess"


def test_others_are_not_reached_under_a_loopback_name(own_place: Workplace) -> None:
    place = own_place
    assert Service(place=place, host="0.0.0.0", port=1, names=["sweeps.example"]).hosts == ["0.0.0.0", "sweeps.example"]
    assert make_app(Service(place=place, host="127.0.0.1", port=1)).docs_url is None
