"""An evaluation as OSCAL assessment-results. Pure; the same evaluation gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trust_portal.kernel.canonical import Json, canonical
from trust_portal.trust.compliance.model import Control, ControlState, Result
from trust_portal.trust.compliance.oscal.parts import (
    Naming,
    is_judged,
    judged,
    metadata,
    observation,
    place_of,
    prop,
)


def assessment_results(body: Mapping[str, Any]) -> bytes:
    """RFC 8785 bytes from the body of an evaluation's document.

    A control that was not evaluated has an observation that says why, and no finding: OSCAL knows only
    satisfied and not satisfied.
    """
    naming, results = Naming(body), judged(body)
    plan = naming.of("catalogue")
    findings = [_finding(control, each, naming) for control, each in results if is_judged(each)]
    result: dict[str, Json] = {
        "uuid": naming.of("result"),
        "title": "Continuous evaluation",
        "description": "Controls judged by the portal from its own records at one moment.",
        "start": body["at"],
        "end": body["at"],
        "reviewed-controls": {
            "control-selections": [
                {
                    "include-controls": [
                        {"control-id": each} for each in sorted({one.control for _, one in results})
                    ]
                }
            ]
        },
        "observations": [observation(control, each, naming) for control, each in results],
    }
    if findings:
        result["findings"] = findings
    return canonical(
        {
            "assessment-results": {
                "uuid": naming.of("assessment-results"),
                "metadata": metadata(body, "Assessment results", naming),
                "import-ap": {
                    "href": f"#{plan}",
                    "remarks": "There is no plan beside the catalogue: every control is judged whenever it is due.",
                },
                "results": [result],
                "back-matter": {
                    "resources": [
                        {
                            "uuid": plan,
                            "title": "Control catalogue",
                            "description": "The controls in the words by which they were judged.",
                            "props": [prop("sha256", body["catalogue"])],
                        }
                    ]
                },
            }
        }
    )


def _finding(control: Control, result: Result, naming: Naming) -> dict[str, Json]:
    satisfied = result.state is ControlState.SATISFIED
    return {
        "uuid": naming.of("finding", place_of(result)),
        "title": control.title,
        "description": control.statement,
        "props": [prop("gaps", str(result.gap_count))],
        "target": {
            "type": "objective-id",
            "target-id": place_of(result),
            "title": control.title,
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": "pass" if satisfied else "fail",
            },
        },
        "related-observations": [{"observation-uuid": naming.of("observation", place_of(result))}],
    }
