"""The calls that were taken in, on disk: what was answered holds after the product was killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from trust_portal.demo.product.obedience import Call

_FILE: Final = "control-calls.ndjson"


class _Entry(msgspec.Struct, frozen=True):
    at: datetime
    call: Call


class Journal:
    """One line a call, in order. A last line that a kill cut short was never answered, and is dropped."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = folder / _FILE
        whole = self._whole()
        with self._file.open("ab") as file:
            file.truncate(len(whole))

    def read(self) -> Iterator[tuple[Call, datetime]]:
        for line in self._whole().splitlines():
            entry = msgspec.json.decode(line, type=_Entry)
            yield entry.call, entry.at

    def write(self, call: Call, at: datetime) -> None:
        """On disk when this returns."""
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(_Entry(at, call)) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _whole(self) -> bytes:
        content = self._file.read_bytes() if self._file.exists() else b""
        return content[: content.rfind(b"\n") + 1]
