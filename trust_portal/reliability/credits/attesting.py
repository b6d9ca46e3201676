"""Stored credits against their receipts: what the exporter asks of a memo, and the audit of every credit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from trust_portal.errors import NotFound
from trust_portal.evidence.attestation import other_than_signed
from trust_portal.evidence.behind import signed_behind
from trust_portal.evidence.key_register import receipt_keys
from trust_portal.evidence.links import file_of, result_of, signed
from trust_portal.evidence.receipt_rows import receipt_envelopes
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.credits.attestation import attest
from trust_portal.reliability.credits.model import CONTRACT_INPUT, MEMO_FILE, REPORT_INPUT, CreditState
from trust_portal.reliability.credits.receipts import KIND_OF, credit_json
from trust_portal.reliability.credits.record import Passage, StoredCredit
from trust_portal.reliability.credits.repository import credit_ids, find_credit, find_memo
from trust_portal.reliability.reports.repository import find_document, find_report
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage


async def memo_files(session: ReadSession, credit: StoredCredit) -> dict[str, bytes]:
    """The memo and what its amount was computed from, as they are stored."""
    report = await find_report(session, credit.tenant_id, credit.calculation.report_id)
    versions = await contract_versions(session, credit.tenant_id)
    (contract,) = [each.contract for each in versions if each.id == report.contract_id]
    return {
        MEMO_FILE: await find_memo(session, credit.tenant_id, credit.id),
        REPORT_INPUT: await find_document(session, credit.tenant_id, report.id),
        CONTRACT_INPUT: contract.source,
    }


def gaps_of(
    credit: StoredCredit, files: Mapping[str, bytes], envelopes: Mapping[UUID, bytes]
) -> Sequence[Gap]:
    """What is missing between an issued credit, as stored, and the receipts of ``signed_behind``."""
    found = attest({**files, **{file_of(id_): envelope for id_, envelope in envelopes.items()}})
    if found.gaps:
        return found.gaps
    memo = parse_json(files[MEMO_FILE])
    issue = credit.issue
    return other_than_signed(
        MEMO_FILE,
        (
            ("tenant_id", str(credit.tenant_id), found.tenant),
            ("id", str(credit.id), found.subject),
            ("sha256", None if issue is None else issue.sha256, sha256_hex(files[MEMO_FILE])),
            ("reference", None if issue is None else issue.reference, memo["issue"]["reference"]),
            ("period", credit.period, memo["period"]["label"]),
            ("amount", credit.amount.decimal, memo["credit"]["amount"]),
            ("currency", credit.amount.currency, memo["credit"]["currency"]),
        ),
    )


class CreditAuditor:
    """Every credit a tenant has, and every state of it, against the receipt it names."""

    async def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]:
        """Where and what, for each credit that is not what its receipts say."""
        async with storage.read(TenantScope(tenant_id)) as session:
            ids = await credit_ids(session, tenant_id)
        for credit_id in ids:
            async with storage.read(TenantScope(tenant_id)) as session:
                gaps = await self._gaps(session, tenant_id, credit_id)
            for gap in gaps:
                yield f"credit {credit_id}", str(gap)

    async def _gaps(self, session: ReadSession, tenant_id: UUID, credit_id: UUID) -> Sequence[Gap]:
        try:
            credit = await find_credit(session, tenant_id, credit_id)
        except NotFound:
            return [Gap("credits", "", "nobody proposed it: it has no state")]
        gaps: list[Gap] = []
        for passage in credit.history:
            gaps += await self._state_gaps(session, credit, passage)
        if credit.issue is not None or credit.state is CreditState.ISSUED:
            envelopes = await signed_behind(session, tenant_id, credit.last.receipt_id)
            gaps += gaps_of(credit, await memo_files(session, credit), envelopes)
        return gaps

    async def _state_gaps(
        self, session: ReadSession, credit: StoredCredit, passage: Passage
    ) -> Sequence[Gap]:
        """The receipt of a state speaks of this credit, its amount and that state."""
        envelopes = await receipt_envelopes(session, credit.tenant_id, passage.receipt_id)
        statement = signed(envelopes.get(passage.receipt_id, b""), await receipt_keys(session))
        if statement is None or statement.kind is not KIND_OF[passage.state]:
            return [
                Gap(
                    "credit_states",
                    passage.state.value,
                    f"no {KIND_OF[passage.state].value} receipt behind it",
                )
            ]
        result, said = result_of(statement), credit_json(credit)
        return [
            Gap("credits", field, f"the row says {value!r}, the receipt {result.get(field)!r}")
            for field, value in said.items()
            if result.get(field) != value
        ]
