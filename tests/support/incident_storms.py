"""Storms: everything that can be told of a handful of incidents, in any order, by several sources."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from support.learning_world import BEGAN, by, declared, step, updated

from trust_portal.facts.events import AlarmSource
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.incidents.model import Severity

SOURCES = ("urn:pager", "urn:alerts")
KEYS = ("INC-1", "INC-2", "INC-3")
SEVERITIES = ("P1", "P2", "P3", "P4")


@dataclass(frozen=True)
class Storm:
    """``deliveries``: events in the order in which they come, some more than once; in portions.

    ``alarms`` are deliveries of pagers, likewise repeated and out of order. ``lowered`` says what two persons
    approve meanwhile: how many portions came before, and what a P1 or P2 becomes then.
    """

    events: tuple[dict[str, Any], ...]
    deliveries: tuple[tuple[dict[str, Any], ...], ...]
    alarms: tuple[Paged, ...] = ()
    lowered: tuple[tuple[int, Severity], ...] = ()


@dataclass(frozen=True)
class Paged:
    """A delivery of a pager as it may come; ``word`` is its kind, or Alertmanager's status."""

    source: AlarmSource
    word: str
    key: str
    minute: int
    severity: str

    def body(self, run: int = 0) -> bytes:
        """``run`` keeps the keys of one storm apart from those of another."""
        key, at = f"{run}-{self.key}", rfc3339(BEGAN + timedelta(minutes=self.minute))
        if self.source is AlarmSource.PAGERDUTY:
            event = {
                "id": f"{key}-{self.word}-{self.minute}-{self.severity}",
                "event_type": f"incident.{self.word}",
                "occurred_at": at,
                "data": {"id": key, "created_at": at, "title": "t", "priority": {"summary": self.severity}},
            }
            return json.dumps({"event": event}).encode()
        alert = {"status": self.word, "startsAt": at, "endsAt": at, "fingerprint": self.severity}
        return json.dumps(
            {
                "version": "4",
                "groupKey": key,
                "status": self.word,
                "receiver": "portal",
                "commonLabels": {"severity": self.severity},
                "alerts": [alert],
            }
        ).encode()


_sources = st.sampled_from(SOURCES)
_keys = st.sampled_from(KEYS)
_severities = st.sampled_from(SEVERITIES)
_minutes = st.integers(0, 90)


def _from(source: str, event: dict[str, Any]) -> dict[str, Any]:
    [told] = by(source, event)
    return told


_declared = st.builds(
    lambda source, key, severity, minute: _from(source, declared(key, severity, minute=minute)),
    _sources, _keys, _severities, _minutes,
)  # fmt: skip
_severity = st.builds(
    lambda source, key, severity, minute: _from(
        source, updated(key, "severity", minute=minute, severity=severity)
    ),
    _sources, _keys, _severities, _minutes,
)  # fmt: skip
_merged = st.builds(
    lambda source, key, into, minute: _from(source, updated(key, "merged", minute=minute, into=into)),
    _sources, _keys, _keys, _minutes,
)  # fmt: skip
_unmerged = st.builds(
    lambda source, key, minute: _from(source, updated(key, "unmerged", minute=minute)),
    _sources, _keys, _minutes,
)  # fmt: skip
_others = st.builds(
    lambda source, key, kind, minute: _from(source, updated(key, kind, minute=minute)),
    _sources, _keys, st.sampled_from(("note", "told_customer", "reopened", "affected", "owner")), _minutes,
)  # fmt: skip
_steps = st.builds(
    lambda source, key, kind, minute: _from(source, step(key, kind, minute=minute)),
    _sources, _keys, st.sampled_from(("mitigated", "resolved")), _minutes,
)  # fmt: skip


_alarms = st.lists(
    st.builds(
        Paged,
        st.just(AlarmSource.PAGERDUTY),
        st.sampled_from(("triggered", "triggered", "priority_updated", "resolved", "reopened", "annotated")),
        _keys, _minutes, st.sampled_from((*SEVERITIES, "urgent")),
    )
    | st.builds(
        Paged, st.just(AlarmSource.ALERTMANAGER), st.sampled_from(("firing", "firing", "resolved")),
        _keys, _minutes, st.sampled_from((*SEVERITIES, "urgent")),
    ),
    max_size=5,
)  # fmt: skip


@st.composite
def pager_storms(draw: st.DrawFn, smallest: int = 0) -> Storm:
    """A storm in which pagers deliver too, and in which some of what was bad is lowered by approval."""
    storm, once = draw(storms(smallest)), draw(_alarms)
    again = draw(st.lists(st.sampled_from(once), max_size=3)) if once else []
    lowered = draw(
        st.lists(
            st.tuples(st.integers(1, 6), st.sampled_from((Severity.P2, Severity.P3, Severity.P4))), max_size=1
        )
    )
    return replace(storm, alarms=tuple(draw(st.permutations([*once, *again]))), lowered=tuple(lowered))


@st.composite
def storms(draw: st.DrawFn, smallest: int = 0) -> Storm:
    told = draw(
        st.lists(
            st.one_of(
                _declared, _declared, _severity, _severity, _merged, _merged, _unmerged, _others, _steps
            ),
            min_size=smallest,
            max_size=24,
        )
    )
    # The id says what happened and when: two different things never bear the same.
    events = {(each["source"], each["id"]): each for each in told}
    once = [dict(each) for each in events.values()]
    again = draw(st.lists(st.sampled_from(once), max_size=6)) if once else []
    coming = draw(st.permutations([*once, *again]))
    cuts = sorted(draw(st.sets(st.integers(0, len(coming)), max_size=5)))
    edges = [0, *cuts, len(coming)]
    portions = tuple(tuple(coming[start:end]) for start, end in pairwise(edges))
    return Storm(tuple(once), tuple(portion for portion in portions if portion))
