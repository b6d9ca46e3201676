"""What the database refuses is read by SQLSTATE and by our own names, whoever wrapped it."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from trust_portal.errors import Conflict
from trust_portal.storage.errors import (
    APPEND_ONLY_SQLSTATE,
    Violation,
    duplicates_are,
    is_not_now,
    violation,
)

TAKEN = Conflict("taken")


def server_error(sqlstate: str, table: str = "", constraint: str = "") -> asyncpg.PostgresError:
    """As it comes from the wire: fields C, M, t and n of an ErrorResponse."""
    fields = {"S": "ERROR", "C": sqlstate, "M": "refused", "t": table, "n": constraint}
    return asyncpg.PostgresError.new(fields)


def wrapped(error: BaseException) -> IntegrityError:
    """As SQLAlchemy hands it on: its own error around the dialect's around the driver's."""
    dialects = RuntimeError(str(error))
    dialects.__cause__ = error
    return IntegrityError("INSERT", {}, dialects)


@pytest.mark.parametrize("suffix", ["", "_102046"], ids=["PostgreSQL", "a shard of Citus"])
@pytest.mark.parametrize("wrap", [lambda error: error, wrapped], ids=["driver", "SQLAlchemy"])
def test_a_taken_key_has_our_names(suffix, wrap) -> None:  # type: ignore[no-untyped-def]  # two lambdas
    error = wrap(server_error("23505", f"people{suffix}", f"people_tenant_id_email_key{suffix}"))
    found = violation(error)
    assert found == Violation("23505", "people", "people_tenant_id_email_key")
    assert found.duplicate


def test_a_foreign_key_and_our_own_guard_are_violations_and_no_duplicates() -> None:
    for sqlstate in ("23503", "23514", APPEND_ONLY_SQLSTATE):
        found = violation(server_error(sqlstate, "receipts_102008"))
        assert found == Violation(sqlstate, "receipts", "")
        assert not found.duplicate


@pytest.mark.parametrize("error", [server_error("42P01"), server_error("53300"), OSError(), ValueError()])
def test_anything_else_is_no_violation(error: BaseException) -> None:
    assert violation(error) is None


def test_duplicates_of_the_named_tables_are_the_refusal_and_all_else_passes() -> None:
    with pytest.raises(Conflict, match="taken"), duplicates_are(TAKEN, "people"):
        raise wrapped(server_error("23505", "people_102046"))
    for other in (server_error("23505", "tenants"), server_error("23503", "people")):
        with pytest.raises(IntegrityError), duplicates_are(TAKEN, "people"):
            raise wrapped(other)


@pytest.mark.parametrize("sqlstate", ["08006", "53300", "57P01", "57P03"])
def test_not_now_is_told_from_never(sqlstate: str) -> None:
    assert is_not_now(server_error(sqlstate))
    assert is_not_now(wrapped(server_error(sqlstate)))


def test_a_lost_connection_is_not_now() -> None:
    assert is_not_now(ConnectionResetError())
    assert is_not_now(asyncpg.InterfaceError("connection is closed"))
    assert is_not_now(OperationalError("", {}, Exception(), connection_invalidated=True))
    assert not is_not_now(server_error("23505"))
    assert not is_not_now(ValueError())
