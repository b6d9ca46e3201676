"""How controls came out. The document is the canonical JSON; fields here are read from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.receipt import Receipt, receipt_of
from schema.work import GATHERED
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.compliance import model
from trust_portal.trust.compliance.document import controls_of, imports_of

strawberry.enum(
    model.AssessmentReaders,
    name="AssessmentReaders",
    description="Who may fetch the bytes of an assessment: every customer's people and auditors and the vendor's "
    "people, or the vendor's people alone.",
)
strawberry.enum(model.ControlState, name="ControlState", description="How a control came out.")
strawberry.enum(model.Party, name="ControlParty", description="Whose facts were judged.")


#: As the vendor is called in addresses.
_VENDOR: Final = "vendor"


@strawberry.type(description="What is alike in a framework of others; no conformity is claimed.")
class ControlReference:
    framework: str
    numbers: list[str]


@strawberry.type(description="A control in the words by which it was judged.")
class Control:
    key: str
    title: str
    statement: str = strawberry.field(description="What it demands.")
    method: str = strawberry.field(description="How it is judged.")
    max_age_days: int = strawberry.field(description="How old a result may be and still count.")
    references: list[ControlReference]


@strawberry.type(description="One thing that is not as its control wants it: an item of the POA&M.")
class ControlGap:
    key: str = strawberry.field(description="Stable from one evaluation to the next.")
    name: str
    why: str
    since: datetime
    receipt_id: strawberry.ID | None


@strawberry.type(description="How one control came out.")
class ControlResult:
    control: Control
    party: model.Party
    state: model.ControlState
    at: datetime
    looked_at: int = strawberry.field(description="How many things were judged.")
    excepted: int = strawberry.field(description="Of those, no gap for a reason that the method gives.")
    gap_count: int = strawberry.field(
        description="All of them; of the vendor's a customer reads the number only."
    )
    gaps: list[ControlGap]
    why: str | None = strawberry.field(description="Why nothing could be judged, and only that.")
    facts_sha256: str = strawberry.field(description="Of all that was judged.")
    receipt_ids: list[strawberry.ID] = strawberry.field(description="Receipts, the newest of them.")


@strawberry.type(description="An assessment that was made elsewhere, with its own age.")
class Assessment:
    id: strawberry.ID
    source: str
    title: str
    oscal_version: str
    sha256: str = strawberry.field(description="Of what was handed over.")
    as_of: datetime = strawberry.field(
        description="The end of the oldest result that a finding of it counts by."
    )
    max_age_days: int = strawberry.field(description="How old that may be and still be fresh.")
    satisfied: int = strawberry.field(description="How many controls are.")
    not_satisfied: int = strawberry.field(description="How many controls are not.")
    imported_at: datetime
    receipt_id: strawberry.ID = strawberry.field(description="In the vendor's log.")
    withdrawn_at: datetime | None = strawberry.field(
        description="Since when it counts no more; null: it counts."
    )
    withdrawal_receipt_id: strawberry.ID | None = strawberry.field(description="In the vendor's log.")
    readers: model.AssessmentReaders
    readers_receipt_id: strawberry.ID | None = strawberry.field(
        description="Of the last change of readers, in the vendor's log; null where they are those it was imported for, "
        "and in evaluations."
    )
    key: strawberry.Private[str]
    uuid: strawberry.Private[UUID]

    @strawberry.field(
        description="Where a signed-in browser or a bearer token fetches the bytes that were handed over; null in a "
        "customer's evaluation where customers may not."
    )
    def url(self, info: Info) -> str | None:
        if self.key != _VENDOR and self.readers is not model.AssessmentReaders.CUSTOMERS:
            return None
        base = info.context.house.settings.base_url
        return f"{base}/t/{quote(self.key)}/compliance/imports/{self.uuid}"


@strawberry.type(description="Something of an evaluation to take along; the same bytes every time.")
class ComplianceFile:
    name: str
    title: str
    url: str = strawberry.field(description="Where a signed-in browser or a bearer token fetches it.")


@strawberry.type(description="All controls of one tenant, or of the vendor, at one moment.")
class ComplianceEvaluation(Node):
    at: datetime
    satisfied: int = strawberry.field(description="How many controls are.")
    not_satisfied: int = strawberry.field(description="How many controls are not.")
    not_evaluated: int = strawberry.field(description="How many controls nobody could judge.")
    results: list[ControlResult]
    assessments: list[Assessment] = strawberry.field(description="From elsewhere, the latest of each source.")
    sha256: str = strawberry.field(description="Of the document's RFC 8785 bytes.")
    row: strawberry.Private[model.Evaluation]

    @strawberry.field(description="compliance.json: RFC 8785 JSON, every count a string.")
    def document(self) -> str:
        return self.row.document.decode()

    @strawberry.field(description="The document, its CSV, and OSCAL; a POA&M where there is a gap.")
    def files(self, info: Info) -> list[ComplianceFile]:
        house = info.context.house
        key = quote(parse_json(self.row.document)["tenant"]["key"])
        place = f"{house.settings.base_url}/t/{key}/compliance/{self.row.id}"
        return [
            ComplianceFile(name=name, title=title, url=f"{place}/{name}")
            for name, title in house.compliance.files(self.row)
        ]

    @strawberry.field(description="The receipt it left.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.row.tenant_id, self.row.receipt_id)


@strawberry.type(description="Where a customer stands by its latest evaluation.")
class ComplianceStanding:
    tenant_id: strawberry.ID
    key: str
    name: str
    at: datetime | None = strawberry.field(description="Null: it was never evaluated.")
    satisfied: int = strawberry.field(description="How many controls are.")
    not_satisfied: int = strawberry.field(description="How many controls are not.")
    not_evaluated: int = strawberry.field(description="How many controls nobody could judge.")


def compliance_evaluation(row: model.Evaluation) -> ComplianceEvaluation:
    body = parse_json(row.document)
    controls = controls_of(body)
    return ComplianceEvaluation(
        id=encode("ComplianceEvaluation", row.tenant_id, row.id),
        at=row.at,
        satisfied=row.count(model.ControlState.SATISFIED),
        not_satisfied=row.count(model.ControlState.NOT_SATISFIED),
        not_evaluated=row.count(model.ControlState.NOT_EVALUATED),
        results=[_result(each, controls[each.control], row.tenant_id) for each in row.results],
        assessments=[assessment(each, body["tenant"]["key"]) for each in imports_of(body)],
        sha256=row.sha256,
        row=row,
    )


def compliance_standing(row: model.Summary) -> ComplianceStanding:
    return ComplianceStanding(
        tenant_id=encode("Tenant", row.tenant_id, row.tenant_id),
        key=row.key,
        name=row.name,
        at=row.at,
        satisfied=row.satisfied,
        not_satisfied=row.not_satisfied,
        not_evaluated=row.not_evaluated,
    )


def assessment(row: model.Imported, key: str = _VENDOR) -> Assessment:
    """``key`` is the tenant's at whose address the bytes are fetched."""
    return Assessment(
        id=encode("Assessment", VENDOR_ID, row.id),
        source=row.source,
        title=row.title,
        oscal_version=row.oscal_version,
        sha256=row.sha256,
        as_of=row.as_of,
        max_age_days=row.max_age // timedelta(days=1),
        satisfied=row.satisfied,
        not_satisfied=row.not_satisfied,
        imported_at=row.at,
        receipt_id=encode("Receipt", VENDOR_ID, row.receipt_id),
        withdrawn_at=None if row.withdrawn is None else row.withdrawn.at,
        withdrawal_receipt_id=None
        if row.withdrawn is None
        else encode("Receipt", VENDOR_ID, row.withdrawn.receipt_id),
        readers=row.readers,
        readers_receipt_id=None
        if row.readers_change is None
        else encode("Receipt", VENDOR_ID, row.readers_change.receipt_id),
        key=key,
        uuid=row.id,
    )


def _result(row: model.Result, control: model.Control, tenant_id: UUID) -> ControlResult:
    return ControlResult(
        control=Control(
            key=control.id,
            title=control.title,
            statement=control.statement,
            method=control.method,
            max_age_days=control.max_age // timedelta(days=1),
            references=[
                ControlReference(framework=name, numbers=list(numbers))
                for name, numbers in control.references.items()
            ],
        ),
        party=row.party,
        state=row.state,
        at=row.at,
        looked_at=row.looked_at,
        excepted=row.excepted,
        gap_count=row.gap_count,
        gaps=[
            ControlGap(
                key=each.id,
                name=each.name,
                why=each.why,
                since=each.since,
                receipt_id=None if each.receipt is None else encode("Receipt", tenant_id, each.receipt),
            )
            for each in row.gaps
        ],
        why=row.why,
        facts_sha256=row.facts_sha256,
        receipt_ids=[encode("Receipt", tenant_id, each) for each in row.evidence],
    )
