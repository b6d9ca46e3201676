"""How the demo speaks: numbered steps, what happened, and where to see it."""

from __future__ import annotations

import sys
import textwrap
import time
from typing import Final

import click

_TITLE: Final = 16
_WIDTH: Final = 104
_INDENT: Final = " " * (5 + _TITLE)


class Telling:
    """Prints to standard output; on a terminal it also shows what is being waited for."""

    def __init__(self) -> None:
        self._step = 0
        self._began = time.monotonic()
        self._waiting = False

    def heading(self, title: str, *lines: str) -> None:
        click.echo(f"\n  {click.style(title, bold=True)}")
        for line in lines:
            click.echo(f"  {_quiet(line)}")
        click.echo()

    def waiting(self, for_what: str) -> None:
        """A line that the next one replaces; only where somebody watches."""
        if sys.stdout.isatty():
            click.echo(f"\r\033[K     {_quiet(for_what + ' …')}", nl=False)
            self._waiting = True

    def step(self, title: str, *lines: str, url: str | None = None) -> None:
        """One thing that happened since the last step; the time it took stands at its end."""
        self._clear()
        self._step += 1
        seconds = time.monotonic() - self._began
        first, *rest = lines
        head = f" {self._step:>2}  {title:<{_TITLE}}"
        room = _WIDTH - len(head) - 8
        click.echo(f"{click.style(head, bold=True)}{first:<{room}}{_quiet(f'{seconds:6.1f} s')}")
        for line in rest:
            for part in _wrapped(line, _WIDTH - len(_INDENT)):
                click.echo(f"{_INDENT}{part}")
        if url is not None:
            click.echo(f"{_INDENT}{_quiet('→')} {click.style(url, fg='cyan')}")
        self._began = time.monotonic()

    def table(self, rows: list[tuple[str, ...]]) -> None:
        """Rows in columns as wide as their widest cell."""
        self._clear()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            click.echo(f"     {'   '.join(cells)}".rstrip())

    def line(self, text: str = "") -> None:
        self._clear()
        click.echo(f"  {text}" if text else "")

    def _clear(self) -> None:
        if self._waiting:
            click.echo("\r\033[K", nl=False)
            self._waiting = False


def _wrapped(line: str, width: int) -> list[str]:
    """Broken between words only: what is to be copied stays whole."""
    return textwrap.wrap(
        line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False, tabsize=1
    )


def _quiet(text: str) -> str:
    return click.style(text, dim=True)
