"""What assessment-results and POA&M have in common. Pure: all of it follows from the evaluation's document.

https://pages.nist.gov/OSCAL-Reference/models/v1.1.3/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.compliance.document import controls_of, results_of
from trust_portal.trust.compliance.model import Control, ControlState, Gap, Party, Result

VERSION: Final = "1.1.3"
#: Namespace of our own property names: a name, at which nothing lies (OSCAL's tools want it to look like a URL).
NS: Final = "https://trustportal.example/ns/oscal"
#: OSCAL wants UUIDs of version 4 or 5; ours are 7, so names below an evaluation give its.
_NAMESPACE: Final = UUID("6c9b1f0e-58b4-5d6f-9d2b-2f4f6f2d7a11")
_WHOSE: Final = {Party.HOUSE: "the vendor", Party.TENANT: "the customer's tenant"}


class Naming:
    """UUIDs of version 5 (RFC 9562 §5.5): the same evaluation gives the same, each place another."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._root = uuid5(_NAMESPACE, body["evaluation"])

    def of(self, *place: str) -> str:
        return str(uuid5(self._root, "/".join(place)))


def metadata(body: Mapping[str, Any], title: str, naming: Naming) -> dict[str, Json]:
    """Named after the tenant, as old as the evaluation; its version is the evaluation's id."""
    return {
        "title": f"{title}: {body['tenant']['name']}",
        "last-modified": body["at"],
        "version": body["evaluation"],
        "oscal-version": VERSION,
        "props": [prop("catalogue-sha256", body["catalogue"])],
        "parties": [
            {"uuid": naming.of("party"), "type": "organization", "name": body["tenant"]["name"]},
        ],
    }


def prop(name: str, value: str) -> dict[str, Json]:
    return {"name": name, "ns": NS, "value": value}


def judged(body: Mapping[str, Any]) -> list[tuple[Control, Result]]:
    """Every result with its control, in the order of the document."""
    controls = controls_of(body)
    return [(controls[each.control], each) for each in results_of(body)]


def place_of(result: Result) -> str:
    """The objective that a finding is about: the control, for the vendor or the tenant."""
    return f"{result.control}.{result.party.value}"


def observation(control: Control, result: Result, naming: Naming) -> dict[str, Json]:
    """What was looked at and how; one that was not evaluated says why."""
    found: dict[str, Json] = {
        "uuid": naming.of("observation", place_of(result)),
        "title": f"{control.title}, for {_WHOSE[result.party]}",
        "description": control.method,
        "props": [
            prop("state", result.state.value),
            prop("looked-at", str(result.looked_at)),
            prop("excepted", str(result.excepted)),
            prop("gaps", str(result.gap_count)),
            prop("facts-sha256", result.facts_sha256),
        ],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": rfc3339(result.at),
        "expires": rfc3339(result.at + control.max_age),
    }
    if result.evidence:
        found["relevant-evidence"] = [
            {"href": f"urn:uuid:{each}", "description": "Receipt in the tenant's log"}
            for each in result.evidence
        ]
    if result.why is not None:
        found["remarks"] = f"Not evaluated: {result.why}."
    return found


def gaps_of(control: Control, result: Result) -> Sequence[Gap]:
    """Its gaps by name, and one for those that are only counted."""
    left = result.gap_count - len(result.gaps)
    if not left:
        return result.gaps
    name = f"{left} {'more ' if result.gaps else ''}of: {control.title}, for {_WHOSE[result.party]}"
    return (*result.gaps, Gap("counted", name, "Counted here; their names are the vendor's.", result.at))


def is_judged(result: Result) -> bool:
    return result.state is not ControlState.NOT_EVALUATED
