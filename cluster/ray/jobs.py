"""Submitting a command to a Ray cluster as one of its jobs, so that the submitting machine may go away."""

import os
import uuid
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.errors import Unavailable
from jobs.secrets import hide_password

ANSWER_SECONDS = 30.0


def submit_job(address: str, command: str, folder: Path, name: str) -> str:
    """Run a shell command on the cluster's head, in a copy of a folder; returns the job's id.

    Args:
        address: the dashboard's (http://HOST:8265), or the cluster's own (HOST:6379).
        command: a shell command; RAY_ADDRESS holds the cluster's own address.
        folder: the small files that the command needs.
        name: part of the job's id.

    Raises:
        InputError: no address, something else answers there, or the job server refuses us.
        Unavailable: no job server answers there.
    """
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient
    from requests.exceptions import ConnectionError as LostConnection
    from requests.exceptions import Timeout

    class LimitedClient(JobSubmissionClient):
        """Waits no longer for an answer than ANSWER_SECONDS; Ray's own waits without limit."""

        def _do_request(self, *arguments: Any, **options: Any) -> Any:
            return super()._do_request(*arguments, timeout=ANSWER_SECONDS, **options)

    from cluster.ray.dashboard import find_job_server

    server, option = find_job_server(address), f"--ray {hide_password(address)}"
    os.environ["RAY_API_SERVER_ADDRESS"] = server  # Ray prefers it, and RAY_ADDRESS, to the address that it is given
    try:
        client = LimitedClient(server)
        job: str = client.submit_job(
            entrypoint=command,
            submission_id=f"golfsweep-{name}-{uuid.uuid4().hex[:8]}",
            runtime_env={"working_dir": str(folder)},
        )
    except Timeout:
        raise Unavailable(f"{option}: no answer within {ANSWER_SECONDS:.0f} s") from None
    except (ConnectionError, LostConnection) as error:
        raise Unavailable(f"{option}: no job server answers there ({_first_line(error)})") from None
    except (AuthenticationError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{option}: the job server does not accept it ({_first_line(error)}); golfsweep doctor --ray HOST:PORT "
            f"checks the cluster"
        ) from None
    return job


def _first_line(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return hide_password(line[:200])
