"""FOCUS exports come in through the same door as every event; what cannot be placed is listed."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.cost.metering.focus_files import read_rows
from trust_portal.cost.metering.focus_mapping import load_mapping
from trust_portal.cost.metering.focus_rows import Unmappable, read_charge
from trust_portal.facts.intake import Intake
from trust_portal.facts.outcome import RejectionCode
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.clock import Clock

_EVENTS_AT_A_TIME: Final = 4000
#: More than these are counted, but not listed.
MAX_LISTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class ImportFocus:
    """Command. ``tenant_from`` (``tag:NAME`` or ``column:NAME``) wins over the mapping's."""

    file: Path
    tenant_from: str | None = None
    mapping: Path | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A row that did not become usage. ``row`` counts the rows of the file from 1, the header aside."""

    row: int
    code: str
    message: str


@dataclass(slots=True)
class FocusOutcome:
    """``rows`` = ``mapped`` + unmapped. Events are hours: a charge of a day is 24 of them.

    ``hours_to_come`` are of periods that are not over; import again when they are. ``unmapped_cost``
    is what the unmapped rows come to, by currency, as far as they say.
    """

    rows: int = 0
    mapped: int = 0
    corrections: int = 0
    rounded: int = 0
    hours_to_come: int = 0
    accepted: int = 0
    duplicates: int = 0
    unmapped: list[Unmapped] = field(default_factory=list)
    unmapped_by_code: Counter[str] = field(default_factory=Counter)
    unmapped_cost: dict[str, Decimal] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        """Rows that were placed and that the door would not take, an unknown tenant aside."""
        codes = {code.value for code in RejectionCode} - {RejectionCode.UNKNOWN_TENANT.value}
        return sum(count for code, count in self.unmapped_by_code.items() if code in codes)

    def leave_out(self, row: int, code: str, message: str) -> None:
        self.unmapped_by_code[code] += 1
        if len(self.unmapped) < MAX_LISTED:
            self.unmapped.append(Unmapped(row, code, message))


class FocusImport:
    """Brings in FOCUS exports; ``mapping`` is the operator's, where there is one."""

    def __init__(self, intake: Intake, clock: Clock, *, mapping: Path | None) -> None:
        self._intake = intake
        self._clock = clock
        self._mapping = mapping

    async def import_file(self, command: ImportFocus, actor: Actor) -> FocusOutcome:
        """Raises ``InvalidInput`` for a file that is no FOCUS export, before or while it is read.

        What was stored by then stays; importing the file again stores the rest.
        """
        mapping = load_mapping(command.mapping or self._mapping).with_tenant_from(command.tenant_from)
        outcome = FocusOutcome()
        row_of = array("Q")
        now = self._clock.now()

        async def chunks() -> AsyncIterator[list[bytes]]:
            chunk: list[bytes] = []
            for row in read_rows(command.file):
                outcome.rows += 1
                try:
                    charge = read_charge(row, mapping)
                except Unmappable as error:
                    outcome.leave_out(outcome.rows, error.code, str(error))
                    _add_cost(outcome, row.get("BillingCurrency"), row.get(mapping.cost))
                    continue
                outcome.mapped += 1
                outcome.corrections += charge.is_correction
                outcome.rounded += charge.rounded
                sent = 0
                for event in charge.events(now):
                    chunk.append(json.dumps(event).encode())
                    row_of.append(outcome.rows)
                    sent += 1
                    if len(chunk) >= _EVENTS_AT_A_TIME:
                        yield chunk
                        chunk = []
                outcome.hours_to_come += (charge.hours if charge.cost else 1) - sent
            if chunk:
                yield chunk

        delivered = await self._intake.deliver(chunks(), Admission(actor, Bounds(sources=("*",))))
        outcome.accepted, outcome.duplicates = delivered.accepted, delivered.duplicates
        seen: set[int] = set()
        for each in delivered.rejected:
            row = row_of[each.index]
            if row not in seen:
                seen.add(row)
                outcome.mapped -= 1
                where = f"{each.path}: " if each.path else ""
                outcome.leave_out(row, each.code.value, where + each.message)
        outcome.unmapped.sort(key=lambda each: each.row)
        return outcome


def _add_cost(outcome: FocusOutcome, currency: object, cost: object) -> None:
    try:
        amount = Decimal(str(cost))
    except ArithmeticError:
        return
    if currency is not None and amount.is_finite():
        outcome.unmapped_cost[str(currency)] = outcome.unmapped_cost.get(str(currency), Decimal(0)) + amount
