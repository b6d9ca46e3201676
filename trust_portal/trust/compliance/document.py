"""An evaluation as canonical JSON, and back. Pure.

The document is whole: it names the controls in the words by which they were judged, so that it can be read
without the catalogue it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.compliance.model import (
    MOST_EVIDENCE,
    MOST_GAPS,
    AssessmentReaders,
    Catalogue,
    Control,
    ControlState,
    Evaluation,
    Gap,
    Imported,
    Judgment,
    Party,
    Result,
    Source,
    Withdrawal,
)

SCHEMA: Final = "urn:trustportal:compliance:v1"


def result_of(control: Control, party: Party, judgment: Judgment, at: datetime, facts_sha256: str) -> Result:
    """What is kept of a judgment: bounded lists beside exact counts."""
    return Result(
        control=control.id,
        party=party,
        state=judgment.state,
        at=at,
        looked_at=judgment.looked_at,
        excepted=judgment.excepted,
        gap_count=len(judgment.gaps),
        gaps=judgment.gaps[:MOST_GAPS],
        why=judgment.why,
        facts_sha256=facts_sha256,
        evidence=judgment.evidence[-MOST_EVIDENCE:],
    )


def inherited(catalogue: Catalogue, house: Sequence[Result]) -> tuple[Result, ...]:
    """The vendor's results as a customer reads them: how many gaps, and neither their names nor receipts."""
    shown = {each.id for each in catalogue.controls if each.inherited}
    return tuple(
        Result(
            control=each.control,
            party=Party.HOUSE,
            state=each.state,
            at=each.at,
            looked_at=each.looked_at,
            excepted=each.excepted,
            gap_count=each.gap_count,
            gaps=(),
            why=each.why,
            facts_sha256=each.facts_sha256,
            evidence=(),
        )
        for each in house
        if each.control in shown
    )


def evaluation_body(
    evaluation_id: UUID,
    tenant: Mapping[str, str],
    at: datetime,
    catalogue: Catalogue,
    results: Sequence[Result],
    *,
    source: Source | None,
    imports: Sequence[Imported],
) -> dict[str, Json]:
    """``tenant``: id, key and name. JSON without floats; counts are strings, durations whole seconds."""
    named = {each.control for each in results}
    return {
        "schema": SCHEMA,
        "evaluation": str(evaluation_id),
        "tenant": dict(tenant),
        "at": rfc3339(at),
        "catalogue": catalogue.version,
        "controls": [_control_json(each) for each in catalogue.controls if each.id in named],
        "results": [_result_json(each) for each in sorted(results, key=_order)],
        "inherited_from": None
        if source is None
        else {
            "evaluation": str(source.evaluation),
            "receipt": str(source.receipt),
            "sha256": source.sha256,
        },
        "imports": [_import_json(each) for each in imports],
    }


def evaluation_of(
    evaluation_id: UUID, tenant_id: UUID, at: datetime, document: bytes, sha256: str, receipt_id: UUID
) -> Evaluation:
    """An evaluation from its kept document."""
    body = parse_json(document)
    return Evaluation(
        id=evaluation_id,
        tenant_id=tenant_id,
        at=at,
        results=results_of(body),
        document=document,
        sha256=sha256,
        receipt_id=receipt_id,
    )


def results_of(body: Mapping[str, Any]) -> tuple[Result, ...]:
    return tuple(
        Result(
            control=each["control"],
            party=Party(each["party"]),
            state=ControlState(each["state"]),
            at=datetime.fromisoformat(each["at"]),
            looked_at=int(each["looked_at"]),
            excepted=int(each["excepted"]),
            gap_count=int(each["gap_count"]),
            gaps=tuple(map(_gap_of, each["gaps"])),
            why=each["why"],
            facts_sha256=each["facts_sha256"],
            evidence=tuple(map(UUID, each["evidence"])),
        )
        for each in body["results"]
    )


def controls_of(body: Mapping[str, Any]) -> dict[str, Control]:
    """The controls by id, in the words by which they were judged."""
    return {
        each["id"]: Control(
            id=each["id"],
            title=each["title"],
            statement=each["statement"],
            method=each["method"],
            parties=frozenset(map(Party, each["parties"])),
            inherited=each["inherited"],
            within=timedelta(seconds=int(each["within_s"])),
            every=timedelta(seconds=int(each["every_s"])),
            max_age=timedelta(seconds=int(each["max_age_s"])),
            references={name: tuple(numbers) for name, numbers in each["references"].items()},
        )
        for each in body["controls"]
    }


def imports_of(body: Mapping[str, Any]) -> tuple[Imported, ...]:
    return tuple(
        Imported(
            id=UUID(each["id"]),
            source=each["source"],
            title=each["title"],
            oscal_version=each["oscal_version"],
            sha256=each["sha256"],
            as_of=datetime.fromisoformat(each["as_of"]),
            max_age=timedelta(seconds=int(each["max_age_s"])),
            satisfied=int(each["satisfied"]),
            not_satisfied=int(each["not_satisfied"]),
            at=datetime.fromisoformat(each["at"]),
            receipt_id=UUID(each["receipt"]),
            withdrawn=_withdrawal_of(each.get("withdrawn")),
            readers=AssessmentReaders(each.get("readers", AssessmentReaders.VENDOR)),
        )
        for each in body["imports"]
    )


def csv_rows(body: Mapping[str, Any]) -> list[list[str]]:
    """Header and a line for each result."""
    names = ("control", "party", "state", "looked_at", "excepted", "gap_count", "at", "why")
    header = ["gaps" if name == "gap_count" else name for name in names]
    return [header, *([str(each[name] or "") for name in names] for each in body["results"])]


def _order(result: Result) -> tuple[str, str]:
    return result.control, result.party.value


def _control_json(control: Control) -> dict[str, Json]:
    return {
        "id": control.id,
        "title": control.title,
        "statement": control.statement,
        "method": control.method,
        "parties": sorted(each.value for each in control.parties),
        "inherited": control.inherited,
        "within_s": _seconds(control.within),
        "every_s": _seconds(control.every),
        "max_age_s": _seconds(control.max_age),
        "references": {name: list(numbers) for name, numbers in control.references.items()},
    }


def _result_json(result: Result) -> dict[str, Json]:
    return {
        "control": result.control,
        "party": result.party.value,
        "state": result.state.value,
        "at": rfc3339(result.at),
        "looked_at": str(result.looked_at),
        "excepted": str(result.excepted),
        "gap_count": str(result.gap_count),
        "gaps": [
            {
                "id": each.id,
                "name": each.name,
                "why": each.why,
                "since": rfc3339(each.since),
                "receipt": None if each.receipt is None else str(each.receipt),
            }
            for each in result.gaps
        ],
        "why": result.why,
        "facts_sha256": result.facts_sha256,
        "evidence": [str(each) for each in result.evidence],
    }


def _gap_of(body: Mapping[str, Any]) -> Gap:
    return Gap(
        id=body["id"],
        name=body["name"],
        why=body["why"],
        since=datetime.fromisoformat(body["since"]),
        receipt=None if body["receipt"] is None else UUID(body["receipt"]),
    )


def _import_json(imported: Imported) -> dict[str, Json]:
    """``withdrawn`` and ``readers`` are there where they say something: version 1 had neither, and what needs none
    keeps its shape.
    """
    found: dict[str, Json] = {
        "id": str(imported.id),
        "source": imported.source,
        "title": imported.title,
        "oscal_version": imported.oscal_version,
        "sha256": imported.sha256,
        "as_of": rfc3339(imported.as_of),
        "max_age_s": _seconds(imported.max_age),
        "satisfied": str(imported.satisfied),
        "not_satisfied": str(imported.not_satisfied),
        "at": rfc3339(imported.at),
        "receipt": str(imported.receipt_id),
    }
    if imported.withdrawn is not None:
        found["withdrawn"] = {
            "at": rfc3339(imported.withdrawn.at),
            "receipt": str(imported.withdrawn.receipt_id),
        }
    if imported.readers is not AssessmentReaders.VENDOR:
        found["readers"] = imported.readers.value
    return found


def _withdrawal_of(body: Mapping[str, Any] | None) -> Withdrawal | None:
    return None if body is None else Withdrawal(datetime.fromisoformat(body["at"]), UUID(body["receipt"]))


def _seconds(value: timedelta) -> str:
    return str(value // timedelta(seconds=1))
