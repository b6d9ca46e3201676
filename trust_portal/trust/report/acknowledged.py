"""What a Trust Report or a review was let out with although it was stale or missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trust_portal.evidence.verdict import Mismatch
from trust_portal.trust.report.model import Acknowledged
from trust_portal.trust.sections.model import Section


def acknowledged_of(body: Mapping[str, Any]) -> dict[str, Acknowledged]:
    """By section."""
    found = (Acknowledged.of(each) for each in body["acknowledgements"])
    return {each.section: each for each in found}


def acknowledgements_differ(
    file: str, body: Mapping[str, Any], sections: Sequence[Section]
) -> Iterator[Mismatch]:
    """Each section that blocks and was not acknowledged as what it is, and each that was and does not block."""
    stated = {each["section"]: each["state"] for each in body["acknowledgements"]}
    derived = {each.id: each.state.value for each in sections if each.state.blocks}
    for name in sorted(stated.keys() | derived.keys()):
        if stated.get(name) != derived.get(name):
            yield Mismatch(
                file,
                f"$.acknowledgements.{name}",
                stated.get(name, "not acknowledged"),
                derived.get(name, "nothing to acknowledge"),
            )
