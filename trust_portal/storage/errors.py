"""What the database says when it refuses, read in one place: by SQLSTATE and by names.

On Citus an error comes from a shard, whose tables and constraints carry the shard's number behind
their own name (``people_pkey_102046``); names are compared without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy.exc import DBAPIError

from trust_portal.errors import Refused

#: SQLSTATEs (PostgreSQL documentation, appendix A): a key is taken.
UNIQUE_VIOLATION = "23505"
#: character_not_in_repertoire: the one character that UTF-8 has and PostgreSQL's text has not.
NOT_TEXT = "22021"
#: Raised by the guard of an append-only table: a class of our own, so that no error of PostgreSQL
#: or Citus can be taken for it.
APPEND_ONLY_SQLSTATE = "TP001"
#: Classes that say "not now" rather than "never": connection, resources, shutdown.
_NOT_NOW = ("08", "53", "57P")
#: How asyncpg says that a connection is gone; the last when it was ended while nobody used it.
LOST = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_SHARD = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Violation:
    """A statement the schema refused. ``table`` and ``constraint`` are our names, not a shard's."""

    sqlstate: str
    table: str
    constraint: str

    @property
    def duplicate(self) -> bool:
        return self.sqlstate == UNIQUE_VIOLATION


def sqlstate_of(error: BaseException) -> str:
    """The five characters, whoever wrapped them; empty for an error that is not the server's."""
    cause = _driver_error(error)
    return str(cause.sqlstate or "") if isinstance(cause, asyncpg.PostgresError) else ""


def violation(error: BaseException) -> Violation | None:
    """What ``error`` (asyncpg's or SQLAlchemy's) says about the schema; ``None`` for any other error.

    A violation is an integrity constraint (class 23) or our own guard of append-only tables.
    """
    cause = _driver_error(error)
    sqlstate = sqlstate_of(cause)
    if not (sqlstate.startswith("23") or sqlstate == APPEND_ONLY_SQLSTATE):
        return None
    return Violation(sqlstate, _own_name(cause, "table_name"), _own_name(cause, "constraint_name"))


def is_not_now(error: BaseException) -> bool:
    """The database does not answer, or not at the moment; the same may be tried again."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = _driver_error(error)
    return isinstance(cause, LOST) or sqlstate_of(cause).startswith(_NOT_NOW)


@contextmanager
def duplicates_are(refusal: Refused, *tables: str) -> Iterator[None]:
    """Raises ``refusal`` where a key of one of ``tables`` is taken; every other error passes."""
    try:
        yield
    except DBAPIError as error:
        found = violation(error)
        if found is None or not found.duplicate or found.table not in tables:
            raise
        raise refusal from error


def _driver_error(error: BaseException) -> BaseException:
    """The driver's own error below SQLAlchemy's two wrappings."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _own_name(cause: BaseException, attribute: str) -> str:
    return _SHARD.sub("", str(getattr(cause, attribute, None) or ""))
