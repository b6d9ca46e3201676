"""Where to go afterwards: a path of ours, or the start."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_target(text: str | None) -> str:
    """A path of ours to go to next; anything that could lead elsewhere becomes ``/``."""
    # Browsers drop tabs and line breaks from a URL and read a backslash as a slash.
    if not text or not text.startswith("/") or "\\" in text or any(ord(c) <= 0x20 for c in text):
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or parts.path.startswith(("//", "/sign-in", "/sign-out")):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
