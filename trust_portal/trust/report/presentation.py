"""The Trust Report for readers: HTML for paper, and PDF, from its canonical JSON alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from trust_portal.documents.html import create_environment
from trust_portal.documents.pdf import render_pdf
from trust_portal.kernel.canonical import digest
from trust_portal.trust.report.acknowledged import acknowledged_of
from trust_portal.trust.report.document import title_of
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.imprint import Imprint
from trust_portal.trust.sections.words import GLOBALS


def trust_report_html(body: Mapping[str, Any], imprint: Imprint) -> str:
    """The whole print document."""
    template = _environment().get_template("documents/trust_report.html")
    return template.render(
        document=body,
        title=title_of(body),
        sections=sections_of(body),
        acknowledged=acknowledged_of(body),
        imprint=imprint,
        sha256=digest(dict(body)),
    )


def trust_report_pdf(body: Mapping[str, Any], imprint: Imprint) -> bytes:
    """The print document as PDF: the same report and imprint give the same bytes."""
    return render_pdf(
        trust_report_html(body, imprint),
        title=f"{title_of(body)}, {body['tenant']['name']}",
        lang="en",
        identifier=digest(dict(body)),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return create_environment(names=GLOBALS)
