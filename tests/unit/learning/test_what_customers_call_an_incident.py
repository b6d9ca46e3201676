"""By what customers know an incident: a pager's key is put together of machines and of whom else it touches."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from support.incident_facts import facts
from support.learning_world import by, declared

from trust_portal.facts.events import PORTAL
from trust_portal.learning.incidents.folding import fold

GROUP = '{}:{alertname="PoolExhausted", instance="db-3.internal:5432", tenant="globex"}'


@pytest.mark.parametrize(
    ("source", "key", "shown"),
    [
        ("urn:product", "INC-7", True),
        ("urn:product", "OPS/2026-06#12", True),
        ("urn:product", "#4711", True),
        ("urn:product", "INC-2026-06-01-4", True),
        ("urn:product", "INC-2026.06", False),
        ("urn:product", "db-3.internal", False),
        ("urn:product", "DB-3.INTERNAL", False),
        ("urn:product", "db-3", False),
        ("urn:product", "10.0.4.17", False),
        ("urn:product", "10.0.4.17/5432", False),
        ("urn:product", "localhost/5432", False),
        ("urn:product", "globex", False),
        ("urn:product", "INC-GLOBEX", False),
        ("urn:product", "ip-10-0-4-17", False),
        (PORTAL, "INC-20260601-0A1B2C", True),
        # Declared by hand from an alarm that no rule took.
        (PORTAL, GROUP, False),
        ("urn:product", GROUP, False),
        ("urn:product", "Globex is down", False),
        ("urn:product", "INC-" + "1" * 17, False),
        ("alertmanager/prod", GROUP, False),
        ("pagerduty/main", "Q1", False),
    ],
)
def test_only_a_plain_reference_that_no_pager_gave_is_shown(source: str, key: str, shown: bool) -> None:
    (incident,) = fold(facts(*by(source, declared(key)))).incidents
    drawn = replace(incident, drawn_id=UUID("5d41402a-bc4b-4a76-b971-9d911017c592"))
    assert drawn.told_as == (key if shown else "5d41402a")


def test_what_only_facts_tell_has_no_id_for_customers():
    (incident,) = fold(facts(declared(GROUP))).incidents
    with pytest.raises(ValueError, match="only a register draws it"):
        _ = incident.shown_id
