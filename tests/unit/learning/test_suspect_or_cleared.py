"""Which deploys and flags near an incident are suspect, which cleared, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.postmortem_sample import BEGAN, change

from trust_portal.learning.postmortems.model import Verdict
from trust_portal.learning.postmortems.suspicion import Scope, Suspicion, suspicion

SCOPE = Scope(frozenset({"exports"}), BEGAN, frozenset({"northwind"}))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            change(at=BEGAN + timedelta(minutes=3, seconds=59)),
            Suspicion(
                Verdict.CLEARED,
                "AFTER_BEGINNING",
                "3 min after the incident began, so it did not begin it",
            ),
        ),
        (
            change(environment="Staging"),
            Suspicion(Verdict.CLEARED, "NOT_PRODUCTION", "it reached Staging, which serves no customer"),
        ),
        (
            change(tenants=("contoso",)),
            Suspicion(Verdict.CLEARED, "OTHER_CUSTOMERS", "it reached none of the customers affected"),
        ),
        (
            change(at=BEGAN - timedelta(hours=23)),
            Suspicion(
                Verdict.SUSPECT,
                "SAME_SERVICE",
                "23 h 00 min before the incident began, on the service it is of, exports",
            ),
        ),
        (
            change(name="billing", at=BEGAN - timedelta(hours=2)),
            Suspicion(Verdict.SUSPECT, "SHORTLY_BEFORE", "2 h 00 min before the incident began"),
        ),
        (
            change(kind="flag", name="exports", environment=None, at=BEGAN - timedelta(hours=3, minutes=5)),
            Suspicion(
                Verdict.CLEARED,
                "LONG_BEFORE",
                "3 h 05 min before the incident began, and not on the service it is of",
            ),
        ),
    ],
    ids=lambda each: each.rule if isinstance(each, Suspicion) else "",
)
def test_the_first_rule_that_fits_decides(told, expected):
    assert suspicion(told, SCOPE) == expected


def test_what_began_at_the_very_moment_is_suspect():
    assert suspicion(change(at=BEGAN), SCOPE).rule == "SAME_SERVICE"


def test_of_an_incident_that_may_have_touched_everybody_no_customer_is_another():
    everybody = Scope(frozenset({"exports"}), BEGAN, None)
    assert suspicion(change(tenants=("contoso",)), everybody).verdict is Verdict.SUSPECT
