"""Processes of the Ray that a driver has started, by what each of them is: what a test can kill."""

from collections import defaultdict

import psutil

NAMES = {
    "multiprocessing.spawn": "host",
    "gcs/gcs_server": "GCS",
    "raylet/raylet": "raylet",
    "ray::DashboardAgent": "dashboard agent",
    "ray::RuntimeEnvAgent": "runtime environment agent",
    "log_monitor.py": "log monitor",
    "dashboard/dashboard.py": "dashboard",
    "_private/monitor.py": "autoscaler",
    "ray::Worker": "worker",
}
"""What stands in a process's command line → what it is; "host" is our process that talks to Ray."""


def parts_of(driver: int) -> dict[str, list[int]]:
    """Process numbers of each part of Ray below a process; a part that is not there has none."""
    parts: dict[str, list[int]] = defaultdict(list)
    try:
        below = psutil.Process(driver).children(recursive=True)
    except psutil.Error:
        return parts
    for process in below:
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        # Later words name folders and other parts.
        name = next((name for text, name in NAMES.items() if any(text in word for word in words[:4])), None)
        if name is not None and process.status() != psutil.STATUS_ZOMBIE:
            parts[name].append(process.pid)
    return parts
