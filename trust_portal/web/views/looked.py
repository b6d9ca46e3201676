"""Where that what somebody looked at can be opened again. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import VENDORS_OWN, Access, Verb
from trust_portal.learning.incidents.model import NOUN as INCIDENT
from trust_portal.learning.incidents.model import told_in_a_log
from trust_portal.trust.qbr.model import DRAFT

#: The page of a thing with an id, below its tenant, by the noun that the access log has for it.
_PAGES: Final = {
    "QBR": "/qbr/",
    "SLA report": "/reports/",
    "Trust Report": "/trust/",
    "anomaly": "/cost/anomalies/",
    "approval request": "/approvals/",
    "back-test": "/cost/detectors/back-tests/",
    "cost anomaly": "/cost/anomalies/",
    "credit calculation": "/credits/calculations/",
    "credits": "/credits/",
    "playbook run": "/cost/playbooks/",
    "postmortem copy": "/postmortems/",
    "receipt": "/receipts/",
    "usage": "/cost/anomalies/",
}


#: The page that offers what was fetched and is no bundle; ``{}`` is its subject.
_FETCHED_FROM: Final = {
    "assessment": "/compliance",
    "contract": "/contracts/{}",
    "credit calculation": "/credits/calculations/{}",
    "exclusion": "/exclusions/{}",
    "inclusion proof": "/receipts/{}",
    "receipt envelope": "/receipts/{}",
    "trust policy": "/check",
}
#: The same of what is the vendor's own, for its people.
_PAGES_OF_STAFF: Final = {"postmortem": "/postmortems/"}


def page_of(access: Access, root: str, *, staff: bool = False) -> str | None:
    """The address of the thing itself; ``None`` of what has no page, and of lists."""
    if access.verb is Verb.DOWNLOADED and access.what in _FETCHED_FROM:
        return f"{root}{_FETCHED_FROM[access.what].format(access.subject)}"
    if access.verb is Verb.DOWNLOADED:
        # What lies with the vendor is not among the tenant's own bundles.
        kept = access.purpose.startswith(VENDORS_OWN) or access.what.startswith(DRAFT)
        return None if kept else f"{root}/exports"
    try:
        if staff and access.what in _PAGES_OF_STAFF:
            return f"{_PAGES_OF_STAFF[access.what]}{UUID(access.subject)}"
        return f"{root}{_PAGES[access.what]}{UUID(access.subject)}"
    except (KeyError, ValueError):
        return None


def said_of(access: Access) -> str:
    """What else names the thing, for people: a period, a subsystem, a key. An id names nothing."""
    if access.what == INCIDENT:
        return told_in_a_log(access.subject)
    try:
        UUID(access.subject)
    except ValueError:
        return access.subject
    return ""
