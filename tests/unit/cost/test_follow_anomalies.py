"""What a later sighting, a correction and an explanation do to an anomaly on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from trust_portal.cost.anomalies import following
from trust_portal.cost.anomalies.model import AnomalyState, Figures, Lane
from trust_portal.cost.anomalies.watching import Sighting
from trust_portal.cost.detection.model import Anomaly, DetectorName, Direction, Reason, Severity
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation.planning import hindrance
from trust_portal.cost.remediation.playbooks import load_playbooks

AT = datetime(2026, 5, 4, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
COMPUTE = Series("compute", "EUR")


def sighting(start=AT, last=AT + 2 * HOUR, end=None, score=3.0):
    found = Anomaly(
        DetectorName("own-tail", "1"), start + HOUR, start, start, end, 10.0, 50.0, score,
        Severity.HIGH, Direction.UP, Reason.DEVIATION,
    )  # fmt: skip
    return Sighting(COMPUTE, found, last)


def opened(excess="40"):
    return following.opened(
        sighting(), Figures(Decimal(10), Decimal(10) + Decimal(excess)), AT + 3 * HOUR,
        id=UUID(int=1), tenant_id=UUID(int=2), lane=Lane.LIVE, evidence={}, suppression_id=None,
    )  # fmt: skip


def test_all_of_a_new_anomaly_is_unexplained():
    assert opened().unexplained == 40
    assert opened("-3").unexplained == 0
    assert opened().revision == 1


def test_a_sighting_that_shares_an_hour_is_the_same_anomaly():
    known = opened()
    assert following.is_of(known, sighting(AT + 2 * HOUR, AT + 5 * HOUR))
    assert not following.is_of(known, sighting(AT + 3 * HOUR, AT + 5 * HOUR))


def test_what_was_seen_before_a_run_is_not_forgotten():
    followed = following.followed(opened(), sighting(AT + HOUR, AT + 6 * HOUR, AT + 6 * HOUR), again=False)
    assert (followed.started_at, followed.last_at) == (AT, AT + 6 * HOUR)
    assert followed.state is AnomalyState.CLOSED


def test_figures_that_did_not_move_make_no_revision():
    known = opened()
    assert following.refigured(known, known, known.figures, AT + 9 * HOUR) is known


def test_causes_that_account_for_more_than_the_excess_make_no_revision_either():
    known = replace(opened(), unexplained=Decimal(-5), explained_at=AT + 3 * HOUR)
    assert following.refigured(known, known, known.figures, AT + 9 * HOUR) is known


def test_what_was_explained_stays_so_when_the_excess_grows():
    known = replace(opened(), unexplained=Decimal(4), explained_at=AT + 3 * HOUR)
    grown = following.refigured(known, known, Figures(Decimal(10), Decimal(60)), AT + 9 * HOUR)
    assert (grown.unexplained, grown.revision, grown.changed_at) == (14, 2, AT + 9 * HOUR)


def test_an_anomaly_that_turned_out_to_be_part_of_another_counts_nothing():
    one, other = opened(), replace(opened(), id=UUID(int=9))
    gone = following.refigured(one, following.merged(one, other), one.figures, AT + 9 * HOUR)
    assert (gone.figures.excess, gone.unexplained, gone.evidence) == (0, 0, {"merged_into": str(UUID(int=9))})
    assert gone.closed_at == AT + 9 * HOUR


def test_a_drop_and_a_rise_of_the_same_hours_are_two_anomalies():
    drop = sighting()
    drop = replace(drop, anomaly=replace(drop.anomaly, direction=Direction.DOWN))
    assert not following.is_of(opened(), drop)


def test_all_of_a_new_drop_is_unexplained_and_no_playbook_is_for_it():
    known = replace(opened("-40"), direction=Direction.DOWN)
    fallen = following.refigured(known, known, Figures(Decimal(50), Decimal(10)), AT)
    assert fallen.unexplained == -40
    for playbook in load_playbooks().by_id.values():
        for by_hand in (True, False):
            assert (
                hindrance(playbook, fallen, by_hand=by_hand) == "it is a drop: less was spent than expected"
            )
