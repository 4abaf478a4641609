"""The job server of a cluster, which is part of its dashboard: where it listens, and whether it would take us."""

from urllib.parse import urlsplit

import requests

from cluster.ray.address import DASHBOARD_PORT, HEAD_PORT, Address, parse_host, require_listener
from cluster.ray.head import ask_head, refusal
from cluster.ray.token import read_token
from golf.errors import InputError
from jobs.errors import Unavailable
from jobs.secrets import hide_password

ANSWER_SECONDS = 8.0
_EXPECTED = f"expected http://HOST:{DASHBOARD_PORT}, the cluster's dashboard, or HOST:{HEAD_PORT}, its head"


def find_job_server(address: str) -> str:
    """The URL of the job server at a dashboard's URL, or of the cluster whose head is at HOST:PORT; takes at most 20 s.

    Raises:
        InputError: no such address, something else answers there, or it refuses the token.
        Unavailable: nothing answers there now.
    """
    option = f"--ray {hide_password(address)}"
    if "://" not in address:
        head = parse_host(address, option, _EXPECTED)
        dashboard = ask_head(head).dashboard
        if dashboard is None:
            raise InputError(f'{option}: the cluster has no dashboard; start its head with "--include-dashboard=true"')
        option, address = f"{option}: its dashboard http://{dashboard}", f"http://{dashboard}"
    _require_job_server(address, option)
    return address.rstrip("/")


def _require_job_server(url: str, option: str) -> None:
    place = _listener(url, option)
    require_listener(place)
    token = read_token()
    try:
        answer = requests.get(
            f"{url.rstrip('/')}/api/version", headers=token.headers() if token else {}, timeout=ANSWER_SECONDS,
            allow_redirects=False,
        )  # fmt: skip
    except requests.Timeout:
        raise Unavailable(f"{option}: no dashboard answers there within {ANSWER_SECONDS:.0f} s") from None
    except requests.RequestException:
        raise InputError(
            f"{option}: no web server answers there, perhaps the head (port {HEAD_PORT}); {_EXPECTED}"
        ) from None
    if answer.status_code in (401, 403):
        raise refusal(option, token)
    if answer.status_code >= 500:
        raise Unavailable(f"{option}: its web server answers with an error ({answer.status_code})")
    try:
        is_ray = "ray_version" in answer.json()
    except (ValueError, TypeError):
        is_ray = False
    if answer.status_code != 200 or not is_ray:
        raise InputError(f"{option}: a web server answers there, but not a Ray dashboard; {_EXPECTED}")


def _listener(url: str, option: str) -> Address:
    """Where a dashboard's URL says that it listens."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise InputError(f"{option}: not the address of a dashboard; {_EXPECTED}")
    default = 443 if parts.scheme == "https" else 80
    return parse_host(f"[{host}]:{port or default}" if ":" in host else f"{host}:{port or default}", option, _EXPECTED)
