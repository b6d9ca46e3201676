"""The SLA report for readers: HTML for paper, and PDF, from its canonical JSON alone.

The portal's page includes ``templates/documents/_sla_report_body.html``, as the print document does.
"""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment

from trust_portal.documents.html import create_environment
from trust_portal.documents.pdf import render_pdf
from trust_portal.kernel.canonical import digest
from trust_portal.reliability.reports.words import FILTERS, GLOBALS, Imprint, Report, title_of


def sla_report_html(report: Report, imprint: Imprint) -> str:
    """The whole print document."""
    return (
        _environment()
        .get_template("documents/sla_report.html")
        .render(report=report, imprint=imprint, href=no_href)
    )


def sla_report_pdf(report: Report, imprint: Imprint) -> bytes:
    """The print document as PDF: the same report and imprint give the same bytes."""
    return render_pdf(
        sla_report_html(report, imprint),
        title=f"{title_of(report)}, {report['tenant']['name']}",
        lang="en",
        identifier=digest(report),
    )


def no_href(reference: str) -> str:
    """On paper a receipt has no address; its reference is printed instead."""
    del reference
    return ""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return create_environment(filters=FILTERS, names=GLOBALS)
