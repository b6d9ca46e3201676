"""The demo's clock: the machine's, less what is still to be told of the story.

The processes of a demo share one small file that says how many seconds the story is behind. The
scenario makes it less, hour by hour; at nothing the clock is the true one, and the file is not
looked at again. Between two moves the clock runs like any other. It never goes back: not when it
is told to (``Conflict``), and not when somebody changes the file behind its back.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from trust_portal.errors import Conflict, InvalidInput

_ON_TIME: Final = timedelta(0)


class StoryClock:
    """``file`` must be there (``begin``), else ``InvalidInput``. A look costs one ``stat`` while behind."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changing = threading.Lock()
        self._seen = _stamp(file)
        self._behind = _read(file)

    @classmethod
    def begin(cls, file: Path, behind: timedelta) -> StoryClock:
        """The clock in ``file``; where there is none yet, it starts ``behind``, less a part of a second."""
        if not file.exists():
            _write(file, behind)
        return cls(file)

    @property
    def behind(self) -> timedelta:
        """How far the story is behind the machine's clock."""
        if self._behind > _ON_TIME:
            self._look()
        return self._behind

    def now(self) -> datetime:
        return datetime.now(UTC) - self.behind

    def move_to(self, at: datetime) -> None:
        """Let it be ``at`` now, for every process that shares the file; later than true time is true time.

        Raises ``Conflict`` where it is later than that already.
        """
        behind = max(datetime.now(UTC) - at, _ON_TIME)
        if behind > self.behind:
            raise Conflict(f"the story is past {at.isoformat()} already", code="CLOCK_GOES_BACK")
        _write(self._file, behind)
        self._look()

    def catch_up(self) -> None:
        """From now on it is the true time."""
        _write(self._file, _ON_TIME)
        self._look()

    def _look(self) -> None:
        """Take over what the file says now. While it is being lost or damaged, the last word holds."""
        with self._changing:
            try:
                stamp = _stamp(self._file)
                if stamp != self._seen:
                    self._behind = min(self._behind, _read(self._file))
                    self._seen = stamp
            except InvalidInput:
                return


def _stamp(file: Path) -> tuple[int, int]:
    """Another one after every replacement."""
    try:
        found = file.stat()
    except OSError as error:
        raise _unusable(file, error.strerror or "cannot be read") from error
    return found.st_ino, found.st_mtime_ns


def _read(file: Path) -> timedelta:
    try:
        seconds = json.loads(file.read_text("ascii"))["behind_seconds"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _unusable(file, "is no story clock") from error
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        raise _unusable(file, "`behind_seconds` is a whole number, 0 or more")
    return timedelta(seconds=seconds)


def _write(file: Path, behind: timedelta) -> None:
    """Replaced as a whole: whoever looks sees the old one or the new one."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"behind_seconds": int(behind.total_seconds())}), "ascii")
    draft.replace(file)


def _unusable(file: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{file}: {what}", field="STORY_CLOCK")
