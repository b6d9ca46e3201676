"""What a section is worth some time after it was gathered. Pure.

A draft waits for its CSM, and its facts grow older meanwhile. The data stay those that were locked; whether they are
still recent enough to be said is judged at the moment at which they are said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from trust_portal.kernel.actor import SYSTEM
from trust_portal.trust.qbr.ids import OUTCOME, RECOMMENDATIONS, USAGE
from trust_portal.trust.qbr.model import BEFORE_FOURTH, FORMAT, Qbr
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import Section, State

#: In reviews of these only what had been fresh grew too old.
_FRESH_ALONE: Final = frozenset({"1", "2"})
_AND: Final = "; "


@dataclass(frozen=True, slots=True)
class Wait:
    """Sections of a period that ends at ``period_end``, gathered into a review of ``format_`` at ``gathered``, said at ``at``.

    ``is_first_of_third``: as the first reviews of format 3 said it, which was the rule of format 2 still.
    """

    gathered: datetime
    at: datetime
    period_end: datetime
    format_: str = FORMAT
    is_first_of_third: bool = False

    def as_it_stands(self, section: Section) -> Section:
        """``section`` with what its age makes of it at the moment ``at``.

        Stale where it was fresh and is too old; where it was stale or missing and grew too old as well, it says so
        beside its other causes. Twice is as once: what says how old it is by then stays.
        """
        if section.state is State.NOT_APPLICABLE or (section.state.blocks and self._is_fresh_alone):
            return self._without_both(section) if self.is_first_of_third else section
        if section.id == OUTCOME and self.format_ not in BEFORE_FOURTH:
            return section  # as old as the sections it is told from, and made anew of them
        state, now = self._age(section, self.at)
        if now is None:
            return section
        if section.why is None:
            return replace(section, state=state, why=now)
        _, then = self._age(section, self.gathered)
        if now in section.why:
            return section
        if then is not None and then in section.why:
            return replace(section, why=section.why.replace(then, now))
        return replace(section, why=f"{section.why}{_AND}{now}")

    def as_they_were(self, section: Section) -> Iterator[Section]:
        """Every section that stands as ``section`` does by ``at``: one of them is what was gathered."""
        yield section
        if self._is_fresh_alone:
            if section.state is State.STALE:
                yield replace(section, state=State.FRESH, why=None)
            return
        why = section.why or ""
        _, now = self._age(section, self.at)
        _, then = self._age(section, self.gathered)
        found = []
        if now is not None and why == now:
            found.append(replace(section, state=State.FRESH, why=None))
        if now is not None and why.endswith(_AND + now):
            found.append(replace(section, why=why.removesuffix(_AND + now)))
        if now is not None and then is not None:
            found.append(replace(section, why=why.replace(now, then)))
        yield from (each for each in found if self.as_it_stands(each) == section)

    @property
    def _is_fresh_alone(self) -> bool:
        return self.is_first_of_third or self.format_ in _FRESH_ALONE

    def _without_both(self, section: Section) -> Section:
        """A review says both of all its sections or of none."""
        (_, now), (_, then) = self._age(section, self.at), self._age(section, self.gathered)
        if now is None or now == then or section.why is None:
            return section
        return replace(section, why=section.why.removesuffix(_AND + now))

    def _age(self, section: Section, at: datetime) -> tuple[State, str | None]:
        """What happens after the period can make nothing of its usage older, nor of what is told from that alone."""
        if section.as_of is None and section.state is not State.FRESH:
            return section.state, None
        of_usage = {USAGE} if self.format_ in BEFORE_FOURTH else {USAGE, RECOMMENDATIONS}
        until = min(at, self.period_end) if section.id in of_usage else at
        return freshness(section.as_of, section.max_age, until, missing="nothing says of when it is")


def wait_of(body: Mapping[str, Any]) -> Wait:
    """How long what an issued review tells had waited by then."""
    gathered, issued, end = (
        datetime.fromisoformat(each) for each in (body["as_of"], body["issued_at"], body["period"]["end"])
    )
    return Wait(gathered, issued, end, body["format"])


def gathers_anew(newest: Qbr, now: datetime, *, spoken: bool) -> bool:
    """Whether the clockwork takes its own draft's place: of a day before (UTC), and nobody has said anything yet. Pure."""
    return is_daily(newest, spoken=spoken) and newest.as_of.date() < now.date()


def is_daily(newest: Qbr, *, spoken: bool) -> bool:
    """Whether the draft is the clockwork's own still. Pure."""
    return newest.issue is None and newest.prepared_by == SYSTEM.name and not spoken
