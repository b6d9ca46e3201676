"""The exit status of a game day: covered with a playbook, covered without, or not covered."""

from __future__ import annotations

import pytest

from trust_portal.learning.gameday.model import Doing, Report, Seen, standing_of
from trust_portal.learning.gameday.play import is_of_the_game


def seen(severity: str, doing: Doing, receipts: int, state: str = "SIGNED", cover: str | None = None) -> Seen:
    return Seen(
        key=f"drill-{severity.lower()}",
        severity=severity,
        resolved=True,
        page="/incidents/1",
        approvals="/approvals",
        doing=doing,
        state=state,
        cover=cover or ("SIGNED" if state == "SIGNED" else "UNSIGNED"),
        accepted=True,
        actions=1,
        denials=1,
        receipts=receipts,
    )


def report(doing: Doing, receipts: int, state: str = "SIGNED") -> Report:
    both = (seen("P1", doing, receipts, state), seen("P2", Doing.NONE, 0))
    return Report("drill", tuple(map(standing_of, both)))


@pytest.mark.parametrize(
    ("doing", "receipts", "state", "status", "by_playbook"),
    [
        (Doing.DONE, 4, "SIGNED", 0, True),
        (Doing.NONE, 0, "SIGNED", 4, False),
        (Doing.ENDED, 0, "SIGNED", 4, False),
        # A run that came to nothing leaves receipts of its approval.
        (Doing.ENDED, 2, "SIGNED", 4, False),
        # Without its receipts it is not covered at all.
        (Doing.DONE, 0, "SIGNED", 3, False),
        (Doing.NONE, 0, "IN_REVIEW", 3, False),
    ],
)
def test_what_no_playbook_mitigated_is_covered_by_a_status_of_its_own(
    doing, receipts, state, status, by_playbook
):
    found = report(doing, receipts, state)
    assert (found.exit_status, found.by_playbook) == (status, by_playbook)
    assert found.json()["by_playbook"] is by_playbook
    assert found.complete is (status != 3)


@pytest.mark.parametrize(
    ("action", "actor_kind", "resource", "counts"),
    [
        ("house:postmortem:review", "token", "this", True),
        ("house:postmortem:review", "token", "of another game day", False),
        ("house:postmortem:review", "token", "", False),
        ("house:postmortem:review", "person", "this", False),
        ("house:postmortem:sign", "token", "this", False),
    ],
)
def test_anothers_refusal_in_those_minutes_is_not_that_of_the_game(action, actor_kind, resource, counts):
    denial = {"action": action, "actor_kind": actor_kind, "resource": resource}
    assert is_of_the_game(denial, "this") is counts


@pytest.mark.parametrize(
    ("state", "cover", "owing"),
    [
        ("SIGNED", "SIGNED", []),
        ("SIGNED", "OUTDATED", ["another version: what its postmortem has to say was told since"]),
        # Another version is written over the one that counts.
        ("DRAFT", "SIGNED", []),
        ("DRAFT", "OUTDATED", ["its submission", "its signature by passkey"]),
        ("DRAFT", "MERGED", []),
        ("IN_REVIEW", "UNSIGNED", ["its signature by passkey"]),
    ],
)
def test_it_is_covered_as_the_ledger_says(state, cover, owing):
    standing = standing_of(seen("P1", Doing.NONE, 0, state, cover))
    assert [each.what for each in standing.owing] == owing
    assert standing.json()["cover"] == cover
