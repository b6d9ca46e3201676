"""Disclosures: of what a receipt conceals, and of what a document withholds (RFC 9901 §7.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trust_portal.evidence.attestation import UNREADABLE
from trust_portal.evidence.disclosure import reveal
from trust_portal.evidence.manifest import DISCLOSURES
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report

#: More than any document withholds, few enough to be looked at in a second.
_MOST_DISCLOSURES: Final = 10_000


def disclosures_of(file: str) -> str:
    """Where a bundle carries what was disclosed of the document ``file``."""
    return f"{DISCLOSURES}{file}"


def check_document(
    document: bytes | None,
    file: str,
    handed: Mapping[str, bytes],
    report: Report,
    whole: Callable[[Any], Sequence[str]],
) -> Sequence[str]:
    """Each list in ``handed`` (by the name that findings give) against the document; what is proved then.

    A disclosure that the document has no digest for is UNREFERENCED_DISCLOSURE, one that cannot be what was
    signed is FALSE_DISCLOSURE. Of a document that is none of its kind nothing is proved.
    """
    try:
        value = parse_json(document or b"")
    except Malformed:
        return ()  # said by whoever attests it
    before = len(report.findings)
    together: dict[str, None] = {}
    for name, data in handed.items():
        disclosed = listed(name, data, report)
        check_disclosed(value, disclosed, name, report, what="the document")
        together |= dict.fromkeys(disclosed)
    revealed = reveal(value, together)
    if len(report.findings) != before:
        return ()
    try:
        proved = list(whole(revealed.value))
    except UNREADABLE:
        return ()  # said by whoever attests it
    if together:
        proved.insert(
            0, f"{len(together)} withheld field(s) of {file} are disclosed, and are what was signed"
        )
    if revealed.concealed and not proved[1:]:
        report.not_proved.append(
            f"What {file} withholds: {revealed.concealed} digests stand for it, decoys among them"
        )
    return proved


def listed(name: str, data: bytes, report: Report) -> list[str]:
    """The disclosures in a file; FALSE_DISCLOSURE, and none, where it is no list of them."""
    try:
        value = parse_json(data)
    except Malformed as error:
        report.find(Code.FALSE_DISCLOSURE, error.message, file=name, field=error.field or "")
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        report.find(Code.FALSE_DISCLOSURE, "not a list of disclosures", file=name)
        return []
    if len(value) > _MOST_DISCLOSURES:
        report.find(Code.FALSE_DISCLOSURE, f"more than {_MOST_DISCLOSURES} disclosures", file=name)
        return []
    return value


def check_disclosed(
    value: Mapping[str, Any], disclosed: Sequence[str], name: str, report: Report, *, what: str
) -> int:
    """How many digests in ``value`` nothing was disclosed for."""
    revealed = reveal(value, disclosed)
    for reason in revealed.false:
        report.find(Code.FALSE_DISCLOSURE, reason, file=name)
    for encoded in revealed.unreferenced:
        report.find(
            Code.UNREFERENCED_DISCLOSURE, f"no digest in {what} stands for it", file=name, field=encoded
        )
    return revealed.concealed
