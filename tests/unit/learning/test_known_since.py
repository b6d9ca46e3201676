"""Facts that are known since a document was frozen: named, by time; what it has and is known anew says so."""

from __future__ import annotations

from trust_portal.learning.postmortems.gathering.model import FactKind
from trust_portal.learning.postmortems.known_since import KnownSince, known_since

ID = "0123"
OPEN = {"id": ID, "at": "2026-06-01T08:00:00Z", "subsystem": "storage", "state": "open"}
ENTRY = {"id": ID, "kind": "cost", "source": "anomaly 1", "at": OPEN["at"], "sha256": "aa"}
DEPLOY = {"id": "d", "at": "2026-06-01T07:00:00Z", "kind": "deploy", "name": "api", "detail": "v2"}


def document(**customer: object) -> dict[str, object]:
    own = {"name": "Aurora", "sla": [], "cost": [], "denial": [], "mitigation": [], "evidence": []}
    return {
        "timeline": [],
        "changes": [],
        "denials": [],
        "evidence": [],
        "customers": {"aurora": own | customer},
    }


def test_of_the_same_facts_nothing_is_known_since():
    same = document(cost=[OPEN], evidence=[ENTRY])
    assert known_since(same, same) == ()


def test_a_fact_that_is_known_anew_says_so_and_one_that_came_stands_before_it_by_its_time():
    frozen = document(cost=[OPEN], evidence=[ENTRY])
    live = document(cost=[OPEN | {"state": "closed"}], evidence=[ENTRY | {"sha256": "bb"}])
    live |= {
        "changes": [DEPLOY],
        "evidence": [ENTRY | {"id": "d", "kind": "change", "at": DEPLOY["at"], "source": "urn:ci 7"}],
    }
    assert known_since(live, frozen) == (
        KnownSince("d", FactKind.CHANGE, DEPLOY["at"], "deploy api v2", "urn:ci 7", anew=False),
        KnownSince(
            ID, FactKind.COST, OPEN["at"], "storage, closed", "anomaly 1", anew=True, customer="Aurora"
        ),
    )
