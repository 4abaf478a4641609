"""The application: what answers which request, and what every request passes first."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import BaseRoute

from sweeps.web import api, health, pages, static
from sweeps.web.measuring.metrics import Metrics
from sweeps.web.measuring.metrics import router as metrics_router
from sweeps.web.measuring.requests import RequestLog
from sweeps.web.problems import ProblemDocument
from sweeps.web.refusals import handle_errors
from sweeps.web.security.access import Gate
from sweeps.web.security.headers import SecurityHeaders
from sweeps.web.security.limits import BodyLimit, RateLimit
from sweeps.web.service import Service
from sweeps.web.uploads import Uploads


def make_app(service: Service) -> FastAPI:
    """The service as an ASGI application."""
    app = FastAPI(
        routes=[*_routes()],
        title="golfsweep",
        version=version("golfsweep"),
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        description="Sweeps and leaderboards of a team. Every refusal is a problem document (RFC 9457).",
    )
    app.state.service = service
    app.state.metrics = metrics = Metrics(service)
    app.state.uploads = Uploads(service.place, service.max_content_bytes)
    handle_errors(app)
    _declare_problem(app)
    # The last one added is passed first.
    app.add_middleware(BodyLimit, max_bytes=service.max_body_bytes)
    app.add_middleware(Gate, service=service)
    app.add_middleware(
        RateLimit, per_minute=service.requests_per_minute, work_per_minute=service.work_requests_per_minute
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=service.hosts, www_redirect=False)
    app.add_middleware(SecurityHeaders)
    if service.logs_requests:
        app.add_middleware(RequestLog, metrics=metrics)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """What answers each path, the same in every application; the types of all requests and answers are read for it."""
    router = APIRouter()
    for part in (health.router, metrics_router, api.make_router(), pages.make_router(), static.router):
        router.include_router(part)
    return router.routes


def _declare_problem(app: FastAPI) -> None:
    """Describe the form of refusals, and how tokens are sent, in /openapi.json."""
    make = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = make()
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {})["ProblemDocument"] = ProblemDocument.model_json_schema()
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for path, methods in schema["paths"].items():
                if path.startswith("/api/"):
                    for operation in methods.values():
                        operation["security"] = [{"token": []}]
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]
