"""Submitting a command to a Ray cluster as one of its jobs, so that the submitting machine may go away."""

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from golf.errors import InputError
from jobs.errors import Unavailable

ANSWER_SECONDS = 30.0


def submit_job(address: str, command: str, folder: Path, name: str) -> str:
    """Run a shell command on the cluster's head, in a copy of a folder; returns the job's id.

    Args:
        address: the dashboard's (http://HOST:8265), or the cluster's own (HOST:6379).
        command: a shell command; RAY_ADDRESS holds the cluster's own address.
        folder: the small files that the command needs.
        name: part of the job's id.

    Raises:
        InputError: no address, or the job server refuses us.
        Unavailable: no job server answers there.
    """
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient
    from requests.exceptions import Timeout

    class LimitedClient(JobSubmissionClient):
        """Waits no longer for an answer than ANSWER_SECONDS; Ray's own waits without limit."""

        def _do_request(self, *arguments: Any, **options: Any) -> Any:
            return super()._do_request(*arguments, timeout=ANSWER_SECONDS, **options)

    if not urlsplit(address).scheme and not address.rpartition(":")[2].isdigit():
        raise InputError(f"--ray {address}: expected HOST:PORT or http://HOST:8265, the cluster's dashboard")
    try:
        client = LimitedClient(address)
        job: str = client.submit_job(
            entrypoint=command,
            submission_id=f"golfsweep-{name}-{uuid.uuid4().hex[:8]}",
            runtime_env={"working_dir": str(folder)},
        )
    except Timeout:
        raise Unavailable(f"--ray {address}: no answer within {ANSWER_SECONDS:.0f} s") from None
    except ConnectionError as error:
        reason = " ".join(str(error).split())[:200]
        raise Unavailable(f"--ray {address}: no job server answers there ({reason})") from None
    except (AuthenticationError, RuntimeError, ValueError) as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            f"--ray {address}: no job server there accepts it ({first[:200]}); start the head with its dashboard, and "
            f"set RAY_AUTH_TOKEN to the cluster's token"
        ) from None
    return job
