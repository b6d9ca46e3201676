"""Becomes another program that cannot outlive its parent and is never uid 0. Standard library only.

    python launch.py PARENT_PID SIGNAL IDENTITY PROGRAM ARGUMENT…

A separate program, because code between fork and exec in a process with threads may deadlock. It
keeps its pid: what is started here *is* the server.

IDENTITY, because PostgreSQL refuses to run as uid 0:

* ``self``       the user we are.
* ``namespace``  root, in a user namespace of one user: the program sees uid 65534, the kernel sees
                 root. Files stay root's and no permission of anybody's folder has to change.
* ``nobody``     root where namespaces are refused: setuid to ``nobody``, keeping only
                 CAP_DAC_OVERRIDE, so that our private folders can be reached as they are.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CLONE_NEWUSER = 0x10000000
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    parent, signal, identity, *command = arguments
    if identity == "namespace":
        enter_namespace()
    elif identity == "nobody":
        become_nobody()
    # After the change of identity, which makes the kernel forget it.
    die_with(int(parent), int(signal))
    os.execv(command[0], command)  # noqa: S606 - the whole point


def die_with(parent: int, signal: int) -> None:
    """Have the kernel send ``signal`` when the parent dies, however it dies (Linux).

    Elsewhere the next start stops what it finds running on its data directory.
    """
    if sys.platform == "linux":
        _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0))
        if os.getppid() != parent:  # it died before we could ask
            sys.exit("the parent is gone")


def enter_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(_CLONE_NEWUSER))
    for name, value in (
        ("setgroups", "deny"),
        ("uid_map", f"65534 {uid} 1"),
        ("gid_map", f"65534 {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - one write, no imports
            file.write(value)


def become_nobody() -> None:
    nobody = pwd.getpwnam("nobody")
    _check(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
    mask = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Two words each of effective, permitted, inheritable.
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(_libc.capset(header, data))
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main(sys.argv[1:])
