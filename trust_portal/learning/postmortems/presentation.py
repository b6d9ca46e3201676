"""The postmortem for readers: HTML for paper, and PDF, from its canonical JSON alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from trust_portal.documents.html import create_environment
from trust_portal.documents.pdf import render_pdf
from trust_portal.kernel.canonical import digest
from trust_portal.learning.postmortems.document import title_of
from trust_portal.learning.postmortems.words import GLOBALS, Document


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a postmortem says of itself that its JSON cannot. ``copy`` is a customer's copy, where it is one."""

    fingerprint: str
    bundle: str
    signed_at: str
    signer: str
    reviewer: str
    copy: Mapping[str, Any] | None = None

    def command(self, tenant: str) -> str:
        return f"trust-portal verify {self.bundle} --policy {tenant}.policy --recompute"


def postmortem_html(document: Document, imprint: Imprint, tenant: str) -> str:
    """The whole print document; ``tenant`` is the key of whose bundle it lies in."""
    template = _environment().get_template("documents/postmortem.html")
    return template.render(document=document, imprint=imprint, tenant=tenant)


def postmortem_pdf(document: Document, imprint: Imprint, tenant: str) -> bytes:
    """The same document and imprint give the same bytes."""
    return render_pdf(
        postmortem_html(document, imprint, tenant),
        title=title_of(document),
        lang="en",
        identifier=digest(document if imprint.copy is None else imprint.copy),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return create_environment(names=GLOBALS)
