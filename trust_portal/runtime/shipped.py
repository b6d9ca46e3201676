"""Where templates, static files, migrations and the verifier's lock are: the checkout if there is one, else the wheel."""

from __future__ import annotations

from pathlib import Path

from trust_portal.errors import Broken

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """The folder ``templates``, ``static``, ``migrations`` or ``requirements``.

    A checkout is recognised by its ``pyproject.toml``, so that a folder that happens to lie beside
    an installed package is never taken for ours.
    """
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    installed = _PACKAGE / "_shipped" / name
    if installed.is_dir():
        return installed
    raise Broken(f"{name} is missing from this installation; reinstall trust-portal", code="NOT_SHIPPED")
