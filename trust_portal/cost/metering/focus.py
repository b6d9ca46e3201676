"""FOCUS exports come in through the same door as every event; what cannot be placed is listed.

A row that is known goes in again only if it says something else now, as a correction of what it was.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.cost.metering.focus_files import read_rows
from trust_portal.cost.metering.focus_mapping import load_mapping
from trust_portal.cost.metering.focus_rows import Unmappable, read_charge
from trust_portal.facts.directory import TenantDirectory
from trust_portal.facts.intake import Intake
from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.standing import standing
from trust_portal.kernel.actor import Actor
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage

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

    ``duplicates`` are known and say what they said; of the ``accepted``, ``restated`` replace what was
    known. ``hours_to_come`` are of periods that are not over; import again when they are. ``unmapped_cost``
    is what the unmapped rows come to, by currency, as far as they say.
    """

    rows: int = 0
    mapped: int = 0
    corrections: int = 0
    rounded: int = 0
    hours_to_come: int = 0
    accepted: int = 0
    restated: int = 0
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


@dataclass(frozen=True, slots=True)
class _Sent:
    """An event of ``row``; ``needless`` if it is one more hour of a charge of nothing."""

    row: int
    event: dict[str, Any]
    needless: bool


class FocusImport:
    """Brings in FOCUS exports; ``mapping`` is the operator's, where there is one."""

    def __init__(self, storage: Storage, intake: Intake, *, mapping: Path | None) -> None:
        self._storage = storage
        self._intake = intake
        self._directory = TenantDirectory(storage)
        self._mapping = mapping

    async def import_file(self, command: ImportFocus, actor: Actor) -> FocusOutcome:
        """Raises ``InvalidInput`` for a file that is no FOCUS export, before or while it is read.

        What was stored by then stays; importing the file again stores the rest.
        """
        mapping = load_mapping(command.mapping or self._mapping).with_tenant_from(command.tenant_from)
        outcome = FocusOutcome()
        row_of = array("Q")
        corrects = bytearray()
        now = self._storage.clock.now()

        def events() -> Iterator[_Sent]:
            alike: Counter[tuple[str, str]] = Counter()
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
                nth = alike[charge.source, charge.key]
                alike[charge.source, charge.key] += 1
                begun = 0
                for event in charge.events(now, nth=nth):
                    yield _Sent(outcome.rows, event, needless=not charge.cost and begun > 0)
                    begun += 1
                outcome.hours_to_come += charge.hours - begun if charge.cost else not begun

        async def chunks() -> AsyncIterator[list[bytes]]:
            found = events()
            while part := list(islice(found, _EVENTS_AT_A_TIME)):
                news = await self._news(part, outcome)
                row_of.extend(each.row for each in news)
                corrects.extend("correction_of" in each.event["data"] for each in news)
                if news:
                    yield [json.dumps(each.event).encode() for each in news]

        delivered = await self._intake.deliver(chunks(), Admission(actor, Bounds(sources=("*",))))
        outcome.accepted = delivered.accepted
        outcome.duplicates += delivered.duplicates
        outcome.restated = sum(corrects) - sum(corrects[each.index] for each in delivered.rejected)
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

    async def _news(self, sent: Sequence[_Sent], outcome: FocusOutcome) -> list[_Sent]:
        """What of ``sent`` is new, and as corrections what says something else than what stands.

        An event of a tenant that is not known goes on to the door, which says so.
        """
        tenants = await self._directory.resolve({each.event["data"]["tenant"] for each in sent})
        keys = [
            (tenants[each.event["data"]["tenant"]], each.event["source"], each.event["id"])
            if each.event["data"]["tenant"] in tenants
            else None
            for each in sent
        ]
        async with self._storage.read(StaffScope()) as session:
            known = await standing(session, [key for key in keys if key is not None])
        news: list[_Sent] = []
        for each, key in zip(sent, keys, strict=True):
            stands = None if key is None else known.get(key)
            if stands is None:
                if not each.needless:
                    news.append(each)
            elif stands.says(each.event["data"]):
                outcome.duplicates += 1
            else:
                id_ = each.event["id"]
                each.event["id"] = f"{id_}~{stands.corrections + 1}"
                each.event["data"]["correction_of"] = id_
                news.append(each)
        return news


def _add_cost(outcome: FocusOutcome, currency: object, cost: object) -> None:
    try:
        amount = Decimal(str(cost))
    except ArithmeticError:
        return
    if currency is not None and amount.is_finite():
        outcome.unmapped_cost[str(currency)] = outcome.unmapped_cost.get(str(currency), Decimal(0)) + amount
