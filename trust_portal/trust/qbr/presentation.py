"""The QBR for readers: HTML for paper, PDF, and slides, from its canonical JSON alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from trust_portal.documents.html import create_environment
from trust_portal.documents.pdf import render_pdf
from trust_portal.kernel.canonical import digest
from trust_portal.trust.qbr.document import commentary_of, title_of
from trust_portal.trust.qbr.words import GLOBALS
from trust_portal.trust.report.acknowledged import acknowledged_of
from trust_portal.trust.sections import words as section
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.imprint import Imprint


def qbr_html(body: Mapping[str, Any], imprint: Imprint) -> str:
    """The whole print document."""
    template = environment().get_template("documents/qbr.html")
    return template.render(
        document=body,
        title=title_of(body),
        sections=sections_of(body),
        acknowledged=acknowledged_of(body),
        commentary=commentary_of(body),
        imprint=imprint,
        sha256=digest(dict(body)),
    )


def qbr_pdf(body: Mapping[str, Any], imprint: Imprint) -> bytes:
    """The print document as PDF: the same QBR and imprint give the same bytes."""
    return render_pdf(
        qbr_html(body, imprint),
        title=f"{title_of(body)}, {body['tenant']['name']}",
        lang="en",
        identifier=digest(dict(body)),
    )


@lru_cache(maxsize=1)
def environment() -> Environment:
    """What the templates of reviews are given to say."""
    return create_environment(names={**section.GLOBALS, **GLOBALS})
