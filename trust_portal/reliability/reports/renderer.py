"""The bundle of an SLA report: JSON, CSV and PDF from the stored canonical bytes, and their inputs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from trust_portal.documents.csv import write_csv
from trust_portal.errors import Refused
from trust_portal.evidence.act import Input
from trust_portal.evidence.export import Export, RenderedDocument
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.model import REPORT_FILE, ReportDocument
from trust_portal.reliability.reports.presentation import sla_report_pdf
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.rows import csv_rows
from trust_portal.reliability.reports.words import Imprint
from trust_portal.storage.unit_of_work import ReadSession

CSV_FILE = "report.csv"
PDF_FILE = "report.pdf"


class SlaReportRenderer:
    """Renders exports of kind ``sla-report``; only a signed revision has a bundle.

    PDFs are set in one thread of their own: fonts and style sheets are unpacked once, and the event
    loop goes on meanwhile.
    """

    def __init__(self) -> None:
        self._press = ThreadPoolExecutor(max_workers=1, thread_name_prefix="press")

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        """From stored bytes alone: the same report gives the same files, whatever came in since."""
        tenant_id = export.tenant_id
        report = await repository.find_report(session, tenant_id, export.subject_id)
        if report.state is not State.OK:
            raise Refused("a report that was not signed has no bundle", code="NOT_SIGNED")
        canonical = await repository.find_document(session, tenant_id, report.id)
        inputs = await repository.find_inputs(session, tenant_id, report.id)
        body = ReportDocument.parse(canonical).body
        attested = await repository.attesting_receipts(session, tenant_id, report, _exclusions(body))
        tenant = str(body["tenant"]["key"])
        file_name = bundle_name(tenant, report)
        imprint = Imprint(attested.key_id, report.issued_at, file_name)
        rows = csv_rows(body)
        pdf = await asyncio.get_running_loop().run_in_executor(self._press, _set, body, imprint)
        return RenderedDocument(
            files={
                **inputs,
                REPORT_FILE: canonical,
                CSV_FILE: write_csv(next(rows), rows),
                PDF_FILE: pdf,
            },
            tenant=tenant,
            period=report.period,
            file_name=file_name,
            receipts=tuple(attested.digests),
            inputs=tuple(_input(id_, sha256) for id_, sha256 in attested.digests.items()),
        )


def bundle_name(tenant: str, report: StoredReport) -> str:
    """``northwind-sla-2026-06-r1.zip``"""
    return f"{tenant}-sla-{report.period}-r{report.revision}.zip"


def _set(body: Mapping[str, Any], imprint: Imprint) -> bytes:
    """The PDF. Layout makes a million objects that live until it ends: looking for dead ones among them
    finds none and costs a quarter of the time. One thread sets all PDFs, so the pause never nests.
    """
    gc.disable()
    try:
        return sla_report_pdf(body, imprint)
    finally:
        gc.enable()


def _exclusions(body: Mapping[str, Any]) -> list[UUID]:
    """Receipts of the windows the report speaks of, each once, in its order."""
    return list(
        dict.fromkeys(
            UUID(receipt)
            for objective in body["objectives"]
            for exclusion in objective["exclusions"]
            for receipt in exclusion["receipts"]
        )
    )


def _input(receipt_id: UUID, sha256: str) -> Input:
    return Input(f"receipt/{receipt_id}", sha256)
