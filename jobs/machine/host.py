"""The identity of a machine, or of a container on it, whatever names it was given."""

import contextlib
import getpass
import hashlib
import os
import socket
import uuid
from functools import cache
from pathlib import Path


@cache
def identity() -> str:
    """The host's name, and digits of a digest of its boot (random(4), boot_id) and process namespace (namespaces(7)).

    Cloned machines and containers on one network may share a name; a process number means something only inside its
    namespace. psutil has neither: its boot time changes when the clock is set.
    """
    facts = []
    with contextlib.suppress(OSError):  # a sandbox may hide them
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
    with contextlib.suppress(OSError):
        facts.append(os.readlink("/proc/self/ns/pid"))
    return f"{socket.gethostname()} {hashlib.sha256(' '.join(facts).encode()).hexdigest()[:8]}"


def process_name() -> str:
    """A name that no other process has, nor another part of this one: host, process number, random digits."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def user_name() -> str:
    """The name of this process's user; its number where the machine knows no name for it, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
