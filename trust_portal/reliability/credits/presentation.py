"""The credit memo for readers: HTML for paper, and PDF, from its canonical JSON alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment

from trust_portal.documents.html import create_environment
from trust_portal.documents.pdf import render_pdf
from trust_portal.kernel.canonical import digest
from trust_portal.reliability.credits.words import GLOBALS, Memo, title_of
from trust_portal.reliability.reports.presentation import no_href
from trust_portal.reliability.reports.words import FILTERS


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a memo says about itself that its JSON cannot: the signing key (hex), and its bundle's file name."""

    fingerprint: str
    bundle: str

    def command(self, tenant: str) -> str:
        """What to type; the portal hands out the policy of the tenant with this key under this name."""
        return f"trust-portal verify {self.bundle} --policy {tenant}.policy --recompute"


def credit_memo_html(memo: Memo, imprint: Imprint) -> str:
    """The whole print document."""
    return (
        _environment()
        .get_template("documents/credit_memo.html")
        .render(memo=memo, imprint=imprint, href=no_href)
    )


def credit_memo_pdf(memo: Memo, imprint: Imprint) -> bytes:
    """The print document as PDF: the same memo and imprint give the same bytes."""
    return render_pdf(
        credit_memo_html(memo, imprint),
        title=f"{title_of(memo)}, {memo['tenant']['name']}",
        lang="en",
        identifier=digest(memo),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return create_environment(filters=FILTERS, names=GLOBALS)
