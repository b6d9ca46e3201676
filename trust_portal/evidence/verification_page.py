"""The page that travels in every bundle as ``verify.html``: one file, offline, the same for everybody."""

from __future__ import annotations

from functools import cache

from trust_portal.runtime.shipped import shipped


@cache
def verification_page() -> bytes:
    """The page's bytes. It takes the bundle it is dropped on, so nothing in it is filled in."""
    return (shipped("templates") / "bundle" / "verify.html").read_bytes()
