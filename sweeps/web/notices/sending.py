"""Sending one notice to one address: one POST, no redirect followed, within a time whatever the receiver does."""

import http.client
import socket
import ssl
from contextlib import suppress
from importlib.metadata import version

from golf.threads import Alarm
from jobs.machine.clock import steady_epoch
from jobs.state import WebhookForm
from jobs.store import Delivery
from sweeps.web.notices.bodies import write_body
from sweeps.web.notices.destinations import NotAllowed, check_destination
from sweeps.web.notices.retries import Answer, read_retry_after
from sweeps.web.notices.signing import signed_headers

STEP_SECONDS = 10.0
"""To connect, and for each part of an answer."""
ALL_SECONDS = 20.0
"""From connecting to the end of the answer."""
MOST_ANSWER_BYTES = 4096
"""Of an answer, of which the status alone counts."""


def send(delivery: Delivery, base: str, *, private: bool) -> Answer:
    """Send a notice.

    Args:
        delivery: the notice and its webhook.
        base: the service's own address, for links.
        private: whether plain HTTP and private addresses are allowed.
    """
    body = write_body(delivery, base)
    headers = {"Content-Type": "application/json", "User-Agent": f"golfsweep/{version('golfsweep')}"}
    if delivery.form == WebhookForm.GENERIC:
        headers |= signed_headers(delivery.secret, int(steady_epoch()), delivery.number, body)
    try:
        destination = check_destination(delivery.url, private=private)
        connection = destination.connect(STEP_SECONDS)
        return _post(connection, destination.target, body, headers)
    except NotAllowed as error:
        return Answer(status=None, error=str(error))
    except ssl.SSLCertVerificationError as error:
        return Answer(status=None, error=f"its certificate is not valid: {error.verify_message}")
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        # What a receiver says could repeat the address's secret part; kinds of errors cannot.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return Answer(status=None, error=f"no answer: {reason}")


def _post(connection: http.client.HTTPConnection, target: str, body: bytes, headers: dict[str, str]) -> Answer:
    deadline = Alarm("receiver's time", ALL_SECONDS, lambda: _cut(connection))
    deadline.start()
    try:
        connection.request("POST", target, body, headers)
        answer = connection.getresponse()
        answer.read(MOST_ANSWER_BYTES)
        wait = read_retry_after(answer.getheader("Retry-After"), steady_epoch())
    finally:
        deadline.cancel()
        connection.close()
    is_taken = 200 <= answer.status < 300
    phrase = http.client.responses.get(answer.status, "an unknown status")
    error = "" if is_taken else f"answered with {answer.status}, {phrase}"
    return Answer(status=answer.status, error=error, retry_after=wait)


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection on which the other thread waits."""
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
