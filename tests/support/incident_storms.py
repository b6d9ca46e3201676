"""Storms: everything that can be told of a handful of incidents, in any order, by several sources."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from support.learning_world import by, declared, step, updated

SOURCES = ("urn:pager", "urn:alerts")
KEYS = ("INC-1", "INC-2", "INC-3")
SEVERITIES = ("P1", "P2", "P3", "P4")


@dataclass(frozen=True)
class Storm:
    """``deliveries``: events in the order in which they come, some more than once; in portions."""

    events: tuple[dict[str, Any], ...]
    deliveries: tuple[tuple[dict[str, Any], ...], ...]


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
_others = st.builds(
    lambda source, key, kind, minute: _from(source, updated(key, kind, minute=minute)),
    _sources, _keys, st.sampled_from(("note", "told_customer", "reopened", "affected", "owner")), _minutes,
)  # fmt: skip
_steps = st.builds(
    lambda source, key, kind, minute: _from(source, step(key, kind, minute=minute)),
    _sources, _keys, st.sampled_from(("mitigated", "resolved")), _minutes,
)  # fmt: skip


@st.composite
def storms(draw: st.DrawFn, smallest: int = 0) -> Storm:
    told = draw(
        st.lists(
            st.one_of(_declared, _declared, _severity, _severity, _merged, _others, _steps),
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
