"""CPU time of this process and of the servers beside it, from /proc (Linux).

On a busy machine a rate says little: what a receipt costs is the processor time that everybody
spends on it, whatever else runs at the same time.
"""

from __future__ import annotations

import os
from pathlib import Path

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, in seconds; of its children only those that have ended."""
    try:
        # The name of the program may hold spaces and ends with the last bracket.
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it has just ended, or there is no /proc
    return sum(map(int, values[11:15])) * _TICK  # utime, stime, cutime, cstime


def below_seconds(pid: int) -> float:
    """``cpu_seconds`` of the living children of a process, and of theirs."""
    return sum(family_seconds(child) for child in _children(pid))


def family_seconds(pid: int) -> float:
    """``cpu_seconds`` of a process and of all below it: a postmaster and its backends."""
    return cpu_seconds(pid) + below_seconds(pid)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for threads in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, threads.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
