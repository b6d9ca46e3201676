"""The SLA report for readers: HTML for paper, PDF and CSV, all from its canonical JSON alone.

The portal's page includes ``templates/documents/_sla_report_body.html``, as the print document does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment

from trust_portal.documents.csv import Cell, write_csv
from trust_portal.documents.html import create_environment
from trust_portal.documents.pdf import render_pdf
from trust_portal.documents.sla_report_words import Imprint, Report, title_of
from trust_portal.kernel.canonical import digest

__all__ = ["Imprint", "Report", "sla_report_csv", "sla_report_html", "sla_report_pdf"]


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


def sla_report_csv(report: Report) -> bytes:
    """One line for each promise: the figures as they were signed, raw beside adjusted."""
    header = (
        "objective", "period", "time_zone", "state", "target_percent", "attained_percent", "numerator",
        "denominator", "attained_percent_raw", "down_minutes", "down_minutes_raw", "met", "credit_percent",
    )  # fmt: skip
    rows: list[Sequence[Cell]] = []
    for sla in report["objectives"]:
        attained, raw = sla["adjusted"] or {}, sla["raw"] or {}
        met = None if sla["met"] is None else ("yes" if sla["met"] else "no")
        rows.append(
            (
                sla["objective"],
                report["period"]["label"],
                report["period"]["time_zone"],
                report["state"],
                sla["target"],
                attained.get("percent"),
                attained.get("numerator"),
                attained.get("denominator"),
                raw.get("percent"),
                attained.get("down_minutes"),
                raw.get("down_minutes"),
                met,
                sla["credit_percent"],
            )
        )
    return write_csv(header, rows)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return create_environment()
