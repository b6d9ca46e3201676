"""What a trust document's sections must say, derived again from its bundle: for the Trust Report and the QBR.

    inputs/sla/…      + sla_report.issued ──▶ every month, the trend and the sums of the SLA section
    inputs/credits/…  + credit.issued     ──▶ every issued credit and the sums of the credits section
    the sections' own rows                ──▶ what the incidents and the cost sections count, add up and say, what
                                              posture, compliance and access count, how long incidents lasted

What only the vendor holds (a proposal that waits, an incident, an hour of usage) is taken as it is stated;
what is counted of it, and said of that, is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from trust_portal.evidence.links import result_of, statements
from trust_portal.evidence.manifest import ENVELOPE_SUFFIX, RECEIPTS
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch, NotRecomputable
from trust_portal.kernel.canonical import Json, sha256_hex
from trust_portal.kernel.money import Money
from trust_portal.reliability.comparison import file_in, mismatches, reading
from trust_portal.reliability.credits.model import CreditState
from trust_portal.trust.gathering import before_format_2, before_format_3
from trust_portal.trust.gathering.counted import counted_again, with_lasting
from trust_portal.trust.gathering.credits_section import (
    NOT_CLAIMED,
    DueCredit,
    IssuedCredit,
    SettledCredit,
    Unpaid,
    WaitingCredit,
    credits_section,
)
from trust_portal.trust.gathering.ids import (
    ANOMALIES,
    COST,
    CREDITS,
    DUE,
    EARLIER,
    INCIDENTS,
    ISSUED,
    MAJOR,
    METERED_SINCE,
    PLAYBOOKS,
    POSTMORTEMS,
    PREVENTION,
    REFUSED,
    REPORTS,
    SAVINGS,
    SETTLED,
    SLA,
    UNCLEAR,
    WAITING,
)
from trust_portal.trust.gathering.model import labels_of
from trust_portal.trust.gathering.sla_section import Owed, SignedReport, overtaken_at, sla_section
from trust_portal.trust.gathering.telling import cost_sentences, incident_sentences
from trust_portal.trust.gathering.totals import cost_totals, earlier_totals, incident_totals, unclear_total
from trust_portal.trust.report.sources import CREDIT_INPUT, SLA_INPUT
from trust_portal.trust.sections.document import section_json
from trust_portal.trust.sections.model import Cell, Section, State

#: What an engine writes beside its figures, and another one may write otherwise.
_NO_FIGURE: Final = frozenset({"href", "why", "state"})


@dataclass(frozen=True, slots=True)
class Derivation:
    """What of a document decides how its sections follow: its ``format``, its period's label and ends, its moment."""

    format: str
    period: str
    start: datetime
    as_of: datetime
    end: datetime

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Derivation:
        period = body["period"]
        return cls(
            body["format"],
            period["label"],
            datetime.fromisoformat(period["start"]),
            datetime.fromisoformat(body["as_of"]),
            datetime.fromisoformat(period["end"]),
        )

    @property
    def is_first(self) -> bool:
        """Whether it is of format 1, which was made by other rules."""
        return self.format == "1"

    @property
    def is_before_third(self) -> bool:
        """Whether it is of format 1 or 2: what was still owed of incidents before the period stood in neither."""
        return self.format in {"1", "2"}

    @property
    def is_before_fifth(self) -> bool:
        """Whether it is of a format before 5: nothing in it was told of that is no incident of the register, and credits
        issued in the period and for it were one sum.
        """
        return self.is_before_third or self.format in {"3", "4"}

    @property
    def names_what_is_due(self) -> bool:
        return not self.is_first


def sections_differ(
    file: str, sections: Sequence[Section], files: Mapping[str, bytes], how: Derivation
) -> Iterator[Mismatch]:
    """Every figure of ``sections`` (those of the document ``file``) that does not follow from ``files``.

    Raises ``NotRecomputable`` naming the input that is missing or unusable.
    """
    proofs = _Proofs(files)
    for number, stated in enumerate(sections):
        derived = _derived(stated, proofs, how)
        if derived is None:
            continue
        place = f"$.sections[{number}]"
        yield from mismatches(file, figures_of(stated), figures_of(derived), place)
        unclear = derived.id == INCIDENTS and derived.state.blocks and not stated.state.blocks
        if unclear or (derived.state is State.MISSING and stated.state is not State.MISSING):
            yield Mismatch(file, f"{place}.state", stated.state.value, derived.state.value)
    if how.names_what_is_due:
        yield from _unnamed_credits(file, sections, proofs, how)


def figures_of(section: Section) -> Json:
    """A section without what is no figure."""

    def kept(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: kept(each) for name, each in value.items() if name not in _NO_FIGURE}
        return [kept(each) for each in value] if isinstance(value, list) else value

    found: Json = kept(section_json(section))
    return found


class _Proofs:
    """The inputs of a bundle, and which receipt was issued for which bytes."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._receipts = {
            (statement.kind, subject.sha256): (_id_of(name), statement)
            for name, statement in statements(files)
            for subject in statement.subjects
        }

    def document(self, name: str) -> tuple[dict[str, Any], str]:
        """An input, and its SHA-256."""
        content = file_in(self._files, name)
        with reading(name):
            return parse_json(content), sha256_hex(content)

    def receipt(self, name: str, kind: ReceiptKind, sha256: str) -> tuple[str, Statement]:
        """The receipt of the input ``name``, by its digest: its id and what it states."""
        found = self._receipts.get((kind, sha256))
        if found is None:
            raise NotRecomputable(f"no {kind.value} receipt is for it", file=name)
        return found


def _derived(stated: Section, proofs: _Proofs, how: Derivation) -> Section | None:
    """None for a section that follows from nothing in a bundle."""
    if stated.id == SLA:
        return _service_levels(stated, proofs, how)
    if stated.id == CREDITS:
        return _credits(stated, proofs, how)
    if stated.id == INCIDENTS:
        totals = incident_totals(*(stated.table(name) for name in (MAJOR, POSTMORTEMS, PREVENTION)))
        if not how.is_before_third:
            totals = (*totals, *earlier_totals(stated.table(EARLIER)))
        unclear = 0 if how.is_before_fifth else _unclear(stated)
        totals = (*totals, *unclear_total(unclear))
        gaps = any(each.id in {"gaps", "earlier-gaps"} and each.cell.value != "0" for each in totals)
        state = State.MISSING if gaps else State.STALE if unclear else State.FRESH
        said = before_format_2.incident_sentences(totals) if how.is_first else incident_sentences(totals)
        return replace(
            with_lasting(stated),
            figures=totals,
            sentences=said,
            state=state,
            why=None if state is State.FRESH else "a gap",
            charts=(),
        )
    if stated.id == COST:
        if not stated.tables:  # no usage is metered, and nothing can be said of it
            return replace(stated, figures=(), sentences=(), charts=())
        if how.is_first:
            totals = before_format_2.cost_totals(
                *(stated.table(name) for name in (ANOMALIES, PLAYBOOKS, SAVINGS))
            )
            return replace(
                stated, figures=totals, sentences=before_format_2.cost_sentences(totals), charts=()
            )
        found, done, refused, saved = (
            stated.table(name) for name in (ANOMALIES, PLAYBOOKS, REFUSED, SAVINGS)
        )
        since = [each for each in stated.figures if each.id == METERED_SINCE and not how.is_before_fifth]
        totals = (*cost_totals(found, done, refused, saved, how.start), *since)
        return replace(stated, figures=totals, sentences=cost_sentences(totals), charts=())
    return counted_again(stated, is_before_fifth=how.is_before_fifth)


def _unclear(stated: Section) -> int:
    """How many were told of and are no incident of the register stands in no bundle: it is taken as it is stated."""
    return next((int(each.cell.value or 0) for each in stated.figures if each.id == UNCLEAR), 0)


def _service_levels(stated: Section, proofs: _Proofs, how: Derivation) -> Section:
    """That data received since contradict a report stands in no bundle: it is taken as it is stated."""
    reports = []
    for _, row in stated.table(REPORTS).by_column():
        name = SLA_INPUT.format(period=row["period"].value, revision=row["revision"].value)
        body, sha256 = proofs.document(name)
        receipt, issued = proofs.receipt(name, ReceiptKind.SLA_REPORT_ISSUED, sha256)
        with reading(name):
            at, id_ = datetime.fromisoformat(str(issued.predicate["at"])), str(result_of(issued)["report"])
            reports.append(SignedReport(body, id_, sha256, receipt, at, overtaken_at(row)))
    labels = labels_of(how.period)
    found = sla_section(_unreported(stated, reports), reports, labels, how.as_of)
    if how.is_before_third:
        found = before_format_3.service_levels(found, [each for each in reports if each.label in labels])
    return replace(found, sentences=before_format_2.sla_sentences(found.sentences)) if how.is_first else found


def _unreported(stated: Section, reports: Sequence[SignedReport]) -> list[Owed]:
    """Periods that the document itself says nothing is signed for."""
    known = {each.label for each in reports}
    found: dict[str, list[tuple[str, str]]] = {}
    for table in stated.tables:
        for _, row in () if table.id == REPORTS else table.by_column():
            label, target = str(row["period"].value), str(row["target"].value)
            if label not in known:
                found.setdefault(label, []).append((table.title, target))
    return [Owed(label, over=True, objectives=tuple(promised)) for label, promised in sorted(found.items())]


def _credits(stated: Section, proofs: _Proofs, how: Derivation) -> Section:
    """What is due, what waits and what ended is taken as it is stated, and added up."""
    issued, waiting = [], []
    for named in stated.table(ISSUED).rows:
        name = CREDIT_INPUT.format(id=named.id)
        memo, sha256 = proofs.document(name)
        receipt, _ = proofs.receipt(name, ReceiptKind.CREDIT_ISSUED, sha256)
        with reading(name):
            credit, issue = memo["credit"], memo["issue"]
            issued.append(
                IssuedCredit(
                    credit["id"],
                    memo["period"]["label"],
                    credit["kind"],
                    Money.parse(credit["amount"], credit["currency"]),
                    issue["reference"],
                    datetime.fromisoformat(issue["at"]),
                    memo["calculation"]["body"]["report"]["id"],
                    sha256,
                    receipt,
                )
            )
    for id_, row in stated.table(WAITING).by_column():
        waiting.append(
            WaitingCredit(
                id_,
                str(row["period"].value),
                str(row["kind"].value),
                _amount(row),
                str(row["state"].value),
                datetime.fromisoformat(str(row["since"].value)),
                str(row["amount"].receipt),
            )
        )
    unpaid = None if how.is_first else Unpaid(tuple(_due(stated)), tuple(_settled(stated)))
    end = None if how.is_before_fifth else how.end
    return credits_section(issued, waiting, unpaid, how.as_of, end)


def _due(stated: Section) -> Iterator[DueCredit]:
    for id_, row in stated.table(DUE).by_column():
        yield DueCredit(
            id_,
            str(row["period"].value),
            str(row["kind"].value),
            _amount(row),
            str(row["state"].value),
            datetime.fromisoformat(str(row["since"].value)),
            str(row["period"].href).removeprefix("/reports/"),
            str(row["amount"].receipt),
        )


def _settled(stated: Section) -> Iterator[SettledCredit]:
    for id_, row in stated.table(SETTLED).by_column():
        yield SettledCredit(
            id_,
            str(row["period"].value),
            str(row["kind"].value),
            _amount(row),
            str(row["state"].value),
            str(row["how"].value),
            datetime.fromisoformat(str(row["at"].value)),
            str(row["amount"].receipt),
        )


def _amount(row: Mapping[str, Cell]) -> Money:
    return Money.parse(str(row["amount"].value), str(row["amount"].currency))


def _unnamed_credits(
    file: str, sections: Sequence[Section], proofs: _Proofs, how: Derivation
) -> Iterator[Mismatch]:
    """A signed report of the period that earns a credit, and no row says what became of it."""
    at = {each.id: number for number, each in enumerate(sections)}
    if SLA not in at or CREDITS not in at:
        return
    told = sections[at[CREDITS]]
    named = {
        str(row["period"].value) for name in (ISSUED, WAITING, DUE) for _, row in told.table(name).by_column()
    }
    named |= {str(row["period"].value) for _, row in told.table(SETTLED).by_column() if _is_settled(row, how)}
    for _, row in sections[at[SLA]].table(REPORTS).by_column():
        label = str(row["period"].value)
        if label not in labels_of(how.period) or label in named:
            continue
        file_name = SLA_INPUT.format(period=label, revision=row["revision"].value)
        report, _ = proofs.document(file_name)
        with reading(file_name):
            credit = report["credit"]
            earned = None if credit is None else Money.parse(credit["amount"], credit["currency"])
        if earned is not None and earned.minor > 0:
            place = f"$.sections[{at[CREDITS]}].tables.{DUE}.{label}"
            yield Mismatch(file, place, "nothing is due", f"{earned.decimal} {earned.currency}")


def _is_settled(row: Mapping[str, Cell], how: Derivation) -> bool:
    """Whether nothing is due any more of what ended so: what expired or was voided is due again."""
    if row["state"].value == NOT_CLAIMED:
        return datetime.fromisoformat(str(row["at"].value)) <= how.as_of
    return row["state"].value == CreditState.REJECTED.value


def _id_of(file: str) -> str:
    return file.removeprefix(RECEIPTS).removesuffix(ENVELOPE_SUFFIX)
