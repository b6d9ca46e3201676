"""By what customers know an incident: a pager's key is put together of machines and of whom else it touches."""

from __future__ import annotations

import pytest
from support.incident_facts import facts
from support.learning_world import by, declared, named

from trust_portal.facts.events import PORTAL
from trust_portal.learning.incidents.folding import fold

GROUP = '{}:{alertname="PoolExhausted", instance="db-3.internal:5432", tenant="globex"}'


@pytest.mark.parametrize(
    ("source", "key", "shown"),
    [
        ("urn:product", "INC-7", True),
        ("urn:product", "2026/06/exports_slow.1#2", True),
        (PORTAL, "INC-20260601-0A1B2C", True),
        # Declared by hand from an alarm that no rule took.
        (PORTAL, GROUP, False),
        ("urn:product", GROUP, False),
        ("urn:product", "Globex is down", False),
        ("urn:product", "x" * 65, False),
        ("alertmanager/prod", GROUP, False),
        ("pagerduty/main", "Q1", False),
    ],
)
def test_only_a_plain_name_that_no_pager_gave_is_shown(source: str, key: str, shown: bool) -> None:
    (incident,) = fold(facts(*by(source, declared(key)))).incidents
    assert incident.told_as == (key if shown else str(named(key, source))[:8])
