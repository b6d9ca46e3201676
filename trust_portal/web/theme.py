"""Light, dark or as the system says: a reader's choice, kept in a cookie that says nothing else."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

COOKIE: Final = "trust-portal-theme"
THEMES: Final = ("auto", "light", "dark")
_A_YEAR = 365 * 24 * 3600


def theme_of(request: Request) -> str:
    """The reader's choice; anything else in the cookie is no choice."""
    chosen = request.cookies.get(COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def theme_cookie(theme: str, *, secure: bool) -> str:
    """The ``Set-Cookie`` line that remembers ``theme``; ``auto`` forgets it."""
    age = 0 if theme == "auto" else _A_YEAR
    line = f"{COOKIE}={theme}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax"
    return f"{line}; Secure" if secure else line
