"""Objectives that contracts in force promise something of: what an incident is said to affect is one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import month_label, quarter_label
from trust_portal.reliability.contracts.in_force import in_force
from trust_portal.reliability.contracts.model import Contract, PeriodLength
from trust_portal.reliability.contracts.repository import contracts_of
from trust_portal.storage.unit_of_work import ReadSession

_MOST_NEAR: Final = 3
#: A key that is another one's but for case has no distance; one wrong letter in five is near.
_NEAR: Final = 0.7


async def promised_objectives(
    session: ReadSession, customer_ids: Collection[UUID], at: datetime
) -> frozenset[str] | None:
    """Of the contracts of these customers that are in force at ``at``; None where none of them has one.

    ``session`` sees all of them.
    """
    versions = await contracts_of(session, customer_ids)
    governing = [each for of_one in versions.values() for each in _in_force(of_one, at)]
    if not governing:
        return None
    return frozenset(sla.objective for contract in governing for sla in contract.slas)


def unknown_objectives(named: Sequence[str] | None, promised: frozenset[str] | None) -> tuple[str, ...]:
    """Those of ``named`` that no contract in force has. Without any contract there is nothing to compare with."""
    if named is None or promised is None:
        return ()
    return tuple(sorted(set(named) - promised))


def require_promised(named: Sequence[str] | None, promised: frozenset[str] | None) -> None:
    """``InvalidInput`` (objectives) for one that no contract in force has, with those that are near to it."""
    if not (unknown := unknown_objectives(named, promised)):
        return
    known = {each.casefold(): each for each in sorted(promised or ())}
    near = get_close_matches(unknown[0].casefold(), known, _MOST_NEAR, _NEAR)
    meant = f"; near to it: {', '.join(known[each] for each in near)}" if near else ""
    raise InvalidInput(
        f"no contract in force has the objective {unknown[0]!r}{meant}",
        field="objectives",
        code="UNKNOWN_OBJECTIVE",
    )


def _in_force(versions: Sequence[Contract], at: datetime) -> list[Contract]:
    labels: Mapping[PeriodLength, str] = {
        PeriodLength.MONTH: month_label(at.date()),
        PeriodLength.QUARTER: quarter_label(at.date()),
    }
    found = (in_force(versions, label) for label in labels.values())
    return [each for each in found if each is not None]
