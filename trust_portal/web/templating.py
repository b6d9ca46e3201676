"""Pages. A template is a whole page; what htmx asks for again is a template of its own, included there.

``page(request, "run.html", part="run_progress.html", …)`` renders the whole page, or, when htmx asks,
the part alone. Without JavaScript the same view gives the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from trust_portal.documents.amounts import rounded_data
from trust_portal.documents.html import create_environment
from trust_portal.documents.reading import readable
from trust_portal.evidence.strict import encode_base64url
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems import words as postmortem
from trust_portal.reliability.reports import words as sla_report
from trust_portal.trust.qbr import words as qbr
from trust_portal.trust.sections import words as section
from trust_portal.web.context import actor_or_none, house_of
from trust_portal.web.theme import theme_of

#: Said on every page of a demonstration; it must not be mistaken for a vendor's own portal.
DEMO_TEXT = "A made-up vendor with made-up customers, on real machinery. Anybody can be anybody here."


@lru_cache(maxsize=1)
def portal_templates() -> Environment:
    """The portal's pages, compiled once per process, in the documents' environment, so that paper and
    screen agree.
    """
    return create_environment(
        filters={
            **sla_report.FILTERS,
            "rounded": rounded_data,
            "readable": readable,
            "words": words,
            "asked": asked,
            "source": source,
            "browser": browser,
            "rfc3339": rfc3339,
            "base64url": encode_base64url,
        },
        names={**sla_report.GLOBALS, **postmortem.GLOBALS, **section.GLOBALS, **qbr.GLOBALS},
    )


#: Names that are not read as they are written.
_SPELLED = {
    "api": "API",
    "csm": "CSM",
    "finops": "FinOps",
    "oidc": "OpenID Connect",
    "pmo": "PMO",
    "qbr": "QBR",
    "sla": "SLA",
    "sre": "SRE",
}


def words(name: str) -> str:
    """``customer_viewer`` → ``Customer viewer``: the house's own names, read aloud."""
    if name.startswith("approver_"):
        return name.replace("_", " for ", 1).capitalize()
    text = " ".join(_SPELLED.get(each, each) for each in re.split(r"[ _.-]", name))
    return text[:1].upper() + text[1:]


def asked(action: str) -> str:
    """``tenant:approval:decide`` → ``Decide: approval``."""
    _, thing, verb = action.split(":")
    return f"{words(verb)}: {' '.join(_SPELLED.get(each, each) for each in thing.split('_'))}"


def source(name: str) -> str:
    """``urn:meridian-cloud:incidents`` → ``meridian-cloud, incidents``: a source of events as sentences name it."""
    return ", ".join(name.removeprefix("urn:").split(":")) if name.startswith("urn:") else name


def browser(user_agent: str) -> str:
    """``Firefox on Linux``: enough for people to know their own; else the text as it was sent."""
    engines = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    engine = next((name for mark, name in engines if mark in user_agent), None)
    system = next((name for mark, name in systems if mark in user_agent), None)
    if engine is None:
        return user_agent or "not said"
    return f"{engine} on {system}" if system else engine


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page rather than for the page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def page(
    request: Request,
    template: str,
    *,
    part: str | None = None,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Render ``template`` (or only its ``part``, when htmx asks) with ``context`` and the page's frame."""
    environment: Environment = request.app.state.templates
    house = house_of(request)
    values = {
        "request": request,
        "actor": actor_or_none(request),
        "vendor": house.settings.vendor_name,
        "demo": DEMO_TEXT if house.settings.demo else None,
        "fingerprint": house.keyring.receipts.key_id,
        "theme": theme_of(request),
        "here": request.url.path,
        "unread": request.scope.get("state", {}).get("unread", 0),
        **context,
    }
    name = part if part is not None and is_fragment(request) else template
    body = environment.get_template(name).render(values)
    # The two renderings share a URL: caches and the back button must not mix them up.
    return HTMLResponse(body, status_code, {"vary": "HX-Request", **(headers or {})})
