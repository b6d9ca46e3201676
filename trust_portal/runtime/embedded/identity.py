"""As whom the embedded servers run."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from enum import StrEnum
from functools import cache
from pathlib import Path

from trust_portal.errors import Unavailable

_LAUNCH = Path(__file__).with_name("launch.py")


class Identity(StrEnum):
    """How a server gets a user that is not root; see ``launch``."""

    SELF = "self"
    NAMESPACE = "namespace"
    NOBODY = "nobody"

    @property
    def owner(self) -> tuple[int, int]:
        """User and group id, as the file system sees them, of the files the servers own."""
        if self is Identity.NOBODY:
            nobody = pwd.getpwnam("nobody")
            return nobody.pw_uid, nobody.pw_gid
        return os.geteuid(), os.getegid()


def launcher(identity: Identity, *, stop_signal: int) -> tuple[str, ...]:
    """The words to put before a command so that it runs as ``identity`` and dies with this process."""
    # -I and -S: nothing of the environment and no site-packages; it starts in milliseconds.
    return (sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(stop_signal)), identity.value)


@cache
def server_identity() -> Identity:
    """The first identity that works here. Raises ``Unavailable`` with what to do where none does."""
    if os.geteuid() != 0:
        return Identity.SELF
    for identity in (Identity.NAMESPACE, Identity.NOBODY):
        if _works(identity):
            return identity
    raise Unavailable(
        "PostgreSQL does not run as root, and this machine allows root neither a user namespace nor a"
        " step down to nobody. Run trust-portal as an ordinary user, or set DATABASE_URL and REDIS_URL"
        " to servers of your own.",
        code="NO_SERVER_IDENTITY",
    )


def _works(identity: Identity) -> bool:
    """Whether a program started so is not root and still reads files of ours nobody else may read."""
    probe = "import os, sys; sys.exit(os.geteuid() == 0 or not os.access(sys.argv[1], os.R_OK | os.X_OK))"
    command = (
        *launcher(identity, stop_signal=9),
        sys.executable,
        "-I",
        "-S",
        "-c",
        probe,
        str(_LAUNCH.parent),
    )
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
