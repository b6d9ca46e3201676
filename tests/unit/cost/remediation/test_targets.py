"""What a playbook acts upon: a throttle is measured on all that its target covers, not on what ran away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from trust_portal.cost.explanation.drivers import cost_table
from trust_portal.cost.explanation.evidence import EventReference, FlagStep, Link, LinkKind, Strength
from trust_portal.cost.explanation.model import Attribution, Cause
from trust_portal.cost.metering.model import Part as UsagePart
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.cost.remediation.targets import Known, Metered, find_target, reaches
from trust_portal.cost.remediation.targets import throttle as measured

AT = datetime(2026, 6, 1, tzinfo=UTC)
PLAYBOOKS = load_playbooks().by_id
V2 = {"flag": "export-v2"}
RAISED = EventReference("//flags", "raised")
RAMP = FlagStep("export-v2", "on", 50.0, 5.0, AT, None, RAISED)
LINK = Link(LinkKind.FLAG, "export-v2", AT, Strength.STRONG, 0.9, ("in time",), RAISED)


def used(quantity, labels=None, *, hour=0, unit="GB", cost=None, subsystem="egress", currency="EUR", **place):
    named = {"resource": "edge", "operation": "export", "region": "eu", "adapter": None, **place}
    amount = Decimal(quantity)
    return UsagePart(
        hour=AT + timedelta(hours=hour), series=Series(subsystem, currency), **named, unit=unit,
        labels=labels or {}, quantity=amount, cost=amount if cost is None else Decimal(cost), events=1,
    )  # fmt: skip


def known(where, window, before=(), before_hours=1, **more):
    """With ``where`` as the one cause that was found; reads go on as ever."""
    window, before = [*window, used(30, operation="read")], [*before, used(30, operation="read")]
    table = cost_table(window, before, sum((each.cost for each in before), Decimal(0)) / before_hours)
    zero = Decimal(0)
    cause = Cause(where, zero, None, 1.0, expected=zero, actual=Decimal(1), rows=1)
    attribution = Attribution(zero, (cause,), zero, np.zeros(len(table.expected), np.int64))
    return Known(attribution, (), table, **{"links": (), "candidates": (), **more})


def throttle(where, window, before=(), before_hours=1, hours=1):
    """The target, and what it is told; reads go on as ever."""
    playbook = PLAYBOOKS["throttle-exports"]
    found = find_target(playbook, known(where, window, before, before_hours))
    metered = Metered(window[0].series, [*window, used(30, operation="read")], hours,
                      [*before, used(30, operation="read")], before_hours)  # fmt: skip
    return replace(found, parameters=measured(playbook.headroom, found.part, found.target, metered))


def test_a_new_part_beside_the_usual_leaves_room_for_the_usual():
    found = throttle({"operation": "export", **V2}, [used(50), used(90, V2)], [used(50)])
    assert (found.part.where, found.part.contribution) == ({"operation": "export", **V2}, 90)
    assert found.target == {"operation": "export"}
    assert found.parameters == {"limit_per_hour": "60", "unit": "GB"}


def test_the_usual_is_by_the_hour_of_what_the_target_covers():
    before = [used(50, hour=-3), used(2, V2, hour=-2), used(20, hour=-1), used(7, hour=-1, resource="lb")]
    seen = [used(50), used(90, V2)], before
    everywhere = throttle({"operation": "export", **V2}, *seen, before_hours=3)
    assert everywhere.parameters == {"limit_per_hour": "31.6", "unit": "GB"}  # 79 / 3 * 1.2
    on_edge = throttle({"operation": "export", "resource": "edge", **V2}, *seen, before_hours=3)
    assert on_edge.target == {"operation": "export", "resource": "edge"}
    assert on_edge.parameters == {"limit_per_hour": "28.8", "unit": "GB"}  # 72 / 3 * 1.2


def test_of_a_target_that_is_new_as_a_whole_a_tenth_is_left():
    now = [used(50), used(90, V2), used(70, hour=1)]
    found = throttle({"operation": "export", **V2}, now, hours=2)
    assert found.parameters == {"limit_per_hour": "10.5", "unit": "GB"}  # 210 in two hours


def test_the_limit_counts_in_the_unit_in_which_the_part_costs():
    now = [
        used(50, unit="rows", cost=900),
        used(40, unit="GB", cost=1),
        used(90, V2),
        used(9, V2, unit="rows"),
    ]
    before = [used(50, unit="rows", cost=90), used(40, unit="GB", cost=1)]
    found = throttle({"operation": "export", **V2}, now, before)
    assert found.parameters == {"limit_per_hour": "48", "unit": "GB"}


def test_what_the_target_covers_in_other_subsystems_and_currencies_is_to_go_on_too():
    """The call names neither, so that the product limits all of it."""
    before = [used(50), used(20, subsystem="storage"), used(10, currency="USD")]
    now = [*before, used(90, V2), used(900, subsystem="storage", unit="rows", cost=9000)]
    found = throttle({"operation": "export", **V2}, now, before)
    assert found.parameters == {"limit_per_hour": "96", "unit": "GB"}  # 80 * 1.2


@pytest.mark.parametrize(
    "where",
    [
        V2,
        {"flag": "export-v2=on"},
        {"operation": "export-v2"},
        {"operation": "export", "rollout": "export-v2=on"},
    ],
)
def test_what_pauses_a_ramp_reaches_the_part_under_every_name_it_was_found_by(where):
    place = {name: value for name, value in where.items() if name == "operation"}
    labels = {name: value for name, value in where.items() if name != "operation"}
    ran_away = used(90, labels, **place)
    seen = known(where, [used(50), ran_away], [used(50)], links=(LINK,), candidates=(RAMP,))
    found = find_target(PLAYBOOKS["pause-ramp"], seen)
    assert (found.target, found.parameters) == ({"flag": "export-v2"}, {"percentage": "5"})
    assert reaches(found.target, ran_away)
    assert not reaches(found.target, used(50))


def test_a_flag_whose_name_only_begins_alike_is_another():
    assert not reaches({"flag": "export-v"}, used(90, V2))
    assert not reaches({"flag": "export-v2"}, used(90, {"flag": "export-v20=on"}))
    assert reaches({"flag": "export-v2"}, used(90, {"flag": "export-v2=off"}))  # the ramp is of all variants
