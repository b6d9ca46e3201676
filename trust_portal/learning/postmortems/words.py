"""The words of a postmortem: for ``templates/documents/_postmortem_body.html``, on paper and on the page.

Pure. A customer's copy has fields that are withheld: what is not there is said to be, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from markupsafe import Markup

from trust_portal.documents import formats
from trust_portal.kernel.canonical import digest
from trust_portal.learning.postmortems.document import title_of
from trust_portal.learning.postmortems.model import PARTS
from trust_portal.learning.postmortems.prose import to_html
from trust_portal.learning.postmortems.rows_in_words import (
    change_rows,
    cost_rows,
    denial_rows,
    mitigation_rows,
    names_whom,
    promise_rows,
    proofs_of,
)
from trust_portal.learning.postmortems.suspicion import span

Document: TypeAlias = Mapping[str, Any]
"""The canonical JSON of a postmortem or of a copy's document, parsed."""

WITHHELD: Final = "(withheld)"
TIMES: Final[Mapping[str, str]] = {
    "began": "Began",
    "detected": "Detected",
    "declared": "Declared",
    "told": "Customers told",
    "mitigated": "Mitigated",
    "resolved": "Resolved",
}
#: Of timeline entries.
ENTRIES: Final[Mapping[str, str]] = {
    "affected": "Affected",
    "declared": "Declared",
    "downgraded": "Downgraded",
    "merged": "Merged",
    "unmerged": "Goes on by itself again",
    "mitigated": "Mitigated",
    "mitigation": "Step",
    "note": "Note",
    "owner": "Owner",
    "reopened": "Reopened",
    "resolved": "Resolved",
    "severity": "Severity",
    "told_customer": "Customers told",
}
ACTION_TYPES: Final[Mapping[str, str]] = {
    "detect": "Detect sooner",
    "mitigate": "Mitigate faster",
    "prevent": "Prevent",
    "process": "Process",
}
VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "suspect": ("warn", "Suspect"),
    "cleared": ("good", "Cleared"),
}


def entry_word(kind: str, key: bool) -> str:
    """What a timeline entry is called. A note that is marked is a turning point, and customers read it."""
    return "Turning point" if kind == "note" and key else ENTRIES.get(kind, kind)


def headline(document: Document) -> str:
    """The one sentence a reader came for."""
    incident, times = document["incident"], document["incident"]["times"]
    severity = f"{incident['worst_severity']} on {incident['service']}"
    if times["resolved"] is None:
        return f"{severity}, since {formats.instant(times['began'])}, and not resolved yet."
    length = _at(times["resolved"]) - _at(times["began"])
    return f"{severity}, {span(length)} from its beginning to its end."


def stamps_of(document: Document) -> list[dict[str, str]]:
    """The incident's course; what has not happened is said to be still to come."""
    times = document["incident"]["times"]
    return [
        {"word": word, "state": "next"}
        if times[name] is None
        else {"word": word, "at": formats.instant(times[name])}
        for name, word in TIMES.items()
    ]


def spans_of(document: Document) -> list[tuple[str, str]]:
    """How long it took from one time to another, where both are known."""
    times = document["incident"]["times"]
    wanted = (
        ("To detect, from the beginning", "began", "detected"),
        ("To declare, from detection", "detected", "declared"),
        ("To tell customers, from detection", "detected", "told"),
        ("To mitigate, from detection", "detected", "mitigated"),
        ("To resolve, from the beginning", "began", "resolved"),
    )
    return [
        (label, span(max(_at(times[end]) - _at(times[start]), timedelta(0))))
        for label, start, end in wanted
        if times[start] is not None and times[end] is not None
    ]


def parts_of(document: Document) -> list[tuple[str, str, Markup]]:
    """Name, title and text of each written part, as safe HTML; empty where nothing is written."""
    return [(name, title, prose(document["written"].get(name, ""))) for name, title in PARTS.items()]


def prose(markdown: str) -> Markup:
    return Markup(to_html(markdown))  # noqa: S704 - sanitised there


def customers_of(document: Document) -> list[tuple[str, Mapping[str, Any]]]:
    """Key and facts of the customers that are shown, by key."""
    return [(key, each) for key, each in sorted(document["customers"].items()) if key != "_sd"]


def others_withheld(document: Document) -> bool:
    return bool(document["customers"].get("_sd"))


def changes_of(document: Document, verdict: str) -> Sequence[Mapping[str, Any]]:
    return [each for each in document["changes"] if each["verdict"] == verdict]


def held(value: Mapping[str, Any], name: str) -> Any:
    """The field, or that it is withheld."""
    found = value.get(name, WITHHELD)
    return "" if found is None else found


def merged_of(document: Document) -> Mapping[str, str]:
    """By id, where that is not withheld, what each incident is called that was merged into the document's."""
    return {each["id"]: each["title"] for each in document["incident"].get("merged", ()) if "id" in each}


def evidence_of(document: Document) -> Mapping[str, Mapping[str, str]]:
    """By fact's id, where that is not withheld: its source, time and digest."""
    found = {each["id"]: each for each in document.get("evidence", ()) if "id" in each}
    for _, customer in customers_of(document):
        found |= {each["id"]: each for each in customer.get("evidence", ())}
    return found


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


GLOBALS: Final[dict[str, Callable[..., Any]]] = {
    "pm_title": title_of,
    "pm_headline": headline,
    "pm_stamps": stamps_of,
    "pm_spans": spans_of,
    "pm_parts": parts_of,
    "pm_customers": customers_of,
    "pm_others_withheld": others_withheld,
    "pm_changes": changes_of,
    "pm_evidence": evidence_of,
    "pm_proofs": proofs_of,
    "pm_promise_rows": promise_rows,
    "pm_cost_rows": cost_rows,
    "pm_mitigation_rows": mitigation_rows,
    "pm_names_whom": names_whom,
    "pm_denial_rows": denial_rows,
    "pm_change_rows": change_rows,
    "pm_merged": merged_of,
    "pm_held": held,
    "pm_entry": entry_word,
    "pm_action_type": lambda kind: ACTION_TYPES.get(kind, kind),
    "pm_verdict": lambda verdict: VERDICTS[verdict],
    "sha256_of": digest,
}
