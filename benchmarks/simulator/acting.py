"""The product's decisions about a simulated anomaly: explained, planned, permitted, verified.

What the services do around their pure calculations is repeated here in memory and nothing else: who counts
what, in which order. Explanation, fit, target, blast radius, policy (Cedar, as shipped), limits of the
shipped playbooks and verification are the product's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from benchmarks.simulator.closing import GRACE, Tenant, hour_index, is_counted
from benchmarks.simulator.explaining import PRICE, Acted, Explained, Usages, explain, misnamed, summed
from benchmarks.simulator.model import World
from benchmarks.simulator.vendor import Setting, adapters, changes, obey, usual_of
from benchmarks.simulator.world import START
from trust_portal.access.action import Action
from trust_portal.access.automation import Automation, Counted
from trust_portal.access.policy import Resource, shipped_policies
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.explanation.drivers import drivers
from trust_portal.cost.explanation.evidence import Candidate, Episode, FoundCause
from trust_portal.cost.explanation.links import find_links
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.metering.model import Part, Series
from trust_portal.cost.remediation.explaining import Ground, draft
from trust_portal.cost.remediation.model import Plan
from trust_portal.cost.remediation.planning import Fit, fit, hindrance, hours_of, standing
from trust_portal.cost.remediation.playbooks import ControlAction, Mode, Playbook, Playbooks, load_playbooks
from trust_portal.cost.remediation.targets import Known, Metered, covers
from trust_portal.cost.remediation.verification import (
    Events,
    Usual,
    calm_hours,
    hours_to_verify,
    reduction,
    suffering,
    weeks_before,
)
from trust_portal.kernel.actor import SYSTEM

_HOUR = timedelta(hours=1)
#: An anomaly that nothing fits yet is looked at every hour at first, and then every so many.
_AT_FIRST, _THEN = 12, 6
_LOOKED_AT = 24


class State(StrEnum):
    WAITING = "waiting"
    DENIED = "denied"
    LAPSED = "lapsed"
    ENDED = "ended by itself"
    EXECUTED = "executed"
    VERIFIED = "verified"
    ROLLED_BACK = "rolled back"
    HARMFUL = "rolled back for health"


@dataclass(slots=True)
class Act:
    """A plan, when somebody looks at it, and what became of it."""

    tenant: Tenant
    plan: Plan
    planned_at: datetime
    looked_at: datetime
    state: State = State.WAITING
    executed_at: datetime | None = None
    setting: Setting | None = None
    recovered_at: datetime | None = None
    lift_at: datetime | None = None
    by_hand: bool = False


@dataclass(slots=True)
class Operation:
    """Everything that is done about the anomalies of some worlds that began at ``since`` or later."""

    usages: Usages
    since: datetime
    looks_at: Callable[[datetime], datetime] | None  #: ``None``: it explains, and nobody acts
    playbooks: Playbooks = field(default_factory=load_playbooks)
    acts: list[Act] = field(default_factory=list)
    usual_gone: Counter[ControlAction] = field(default_factory=Counter)  #: in millionths
    misnamed: dict[UUID, Decimal] = field(
        default_factory=dict
    )  #: by anomaly: what lies in causes that were none
    _requests: dict[tuple[UUID, int], Events] = field(default_factory=dict)
    _changes: dict[int, Mapping[str, tuple[Candidate, ...]]] = field(default_factory=dict)

    def shape(self, tenant: Tenant, hour: int) -> bool:
        """Let what was set change an hour that has not been told yet; whether anything did."""
        holding = [
            act.setting
            for act in self.acts
            if act.tenant.id == tenant.id and act.setting is not None and act.setting.holds(hour)
        ]
        if holding:
            usual = usual_of(tenant, self.usages, hour)
            gone = obey(tenant, self.usages, hour, holding)
            self.usual_gone.update(gone)
            refused = gone.get(ControlAction.THROTTLE_EXPORTS, 0)
            self._requests[tenant.id, hour] = Events(usual // PRICE, (usual - refused) // PRICE)
        return bool(holding)

    def after_close(self, hour: int, moved: Mapping[UUID, Tenant]) -> None:
        now = START + _HOUR * (hour + 1) + GRACE
        for id_, tenant in moved.items():
            anomaly = tenant.anomaly(id_)
            if anomaly.started_at >= self.since and is_counted(anomaly):
                self._plan(tenant, anomaly, now)
        # In the order of the clock: a limit counts what was done before, and nothing that is done after.
        for act in sorted(self.acts, key=lambda each: (each.looked_at, each.planned_at)):
            self._go_on(act, hour, now)

    def explain_all(self, tenants: Iterable[Tenant]) -> None:
        """Every figure as it is in the end."""
        for tenant in tenants:
            for anomaly in [*tenant.anomalies]:
                if anomaly.started_at >= self.since and is_counted(anomaly):
                    explained, found = self._explain(tenant, anomaly)
                    used = self.usages.of(tenant, anomaly.series)
                    self.misnamed[anomaly.id] = misnamed(used, explained, found, START)

    def _explain(self, tenant: Tenant, anomaly: CostAnomaly) -> tuple[CostAnomaly, Explained]:
        found = explain(self.usages.of(tenant, anomaly.series), anomaly, START, self._acted(tenant, anomaly))
        anomaly = replace(anomaly, unexplained=found.attribution.unexplained, explained_at=anomaly.opened_at)
        tenant.put(anomaly)
        return anomaly, found

    def _acted(self, tenant: Tenant, anomaly: CostAnomaly) -> Acted | None:
        first, end = hour_index(anomaly.started_at), hour_index(anomaly.last_at) + 1
        starts = [
            act.setting.start
            for act in self.acts
            if act.tenant.id == tenant.id and act.setting is not None and first < act.setting.start < end
        ]
        if not starts:
            return None
        expected = tenant.expected[anomaly.series]
        hours = [START + _HOUR * hour for hour in range(first, min(starts))]
        return Acted(min(starts), sum((expected.get(hour, Decimal(0)) for hour in hours), Decimal(0)))

    def _plan(self, tenant: Tenant, anomaly: CostAnomaly, now: datetime) -> None:
        """What the explanation is good for only if a playbook is waiting for it."""
        age = int((now - anomaly.opened_at) / _HOUR)
        if self.looks_at is None or (age >= _AT_FIRST and age % _THEN):
            return
        planned = {act.plan.playbook_id for act in self.acts if act.plan.anomaly == anomaly.id}
        waiting = {
            name: playbook
            for name, playbook in self.playbooks.by_id.items()
            if name not in planned
            and playbook.mode is not Mode.PROPOSE
            and hindrance(playbook, anomaly, by_hand=False) is None
        }
        for plan in self._drafts(tenant, anomaly, waiting, by_hand=False):
            self.acts.append(Act(tenant, plan, now, self.looks_at(now)))

    def _drafts(
        self, tenant: Tenant, anomaly: CostAnomaly, playbooks: Mapping[str, Playbook], *, by_hand: bool
    ) -> list[Plan]:
        """From what is known now, for those that fit."""
        if not playbooks:
            return []
        anomaly, found = self._explain(tenant, anomaly)
        known = self._known(tenant, anomaly, found)
        fits = [fit(name, each, anomaly, known, by_hand=by_hand) for name, each in playbooks.items()]
        ground = self._ground(tenant, anomaly, known, found)
        return [draft(ground, each, self.playbooks.digest) for each in fits if isinstance(each, Fit)]

    def _known(self, tenant: Tenant, anomaly: CostAnomaly, found: Explained) -> Known:
        candidates = [
            each
            for each in self._of_world(tenant.world)[tenant.name]
            if anomaly.started_at - timedelta(days=2) <= each.at <= anomaly.last_at + _HOUR
        ]
        used = self.usages.of(tenant, anomaly.series)
        candidates += adapters(used, anomaly, found.window, found.before, len(found.comparable))
        costs, expected = tenant.costs[anomaly.series], tenant.expected[anomaly.series]
        first = anomaly.started_at - timedelta(hours=24)
        hours = [first + _HOUR * n for n in range(24 + hours_of(anomaly))]
        excess = {at: costs.get(at, Decimal(0)) - expected[at] for at in hours if at in expected}
        episode = Episode(
            tenant.name, anomaly.series.subsystem, anomaly.started_at, anomaly.peak_at,
            anomaly.last_at + _HOUR, excess,
        )  # fmt: skip
        causes = [FoundCause(each.where, each.share or 0.0) for each in found.attribution.causes]
        return Known(
            found.attribution, drivers(found.table), found.table, find_links(episode, causes, candidates),
            candidates,
        )  # fmt: skip

    def _of_world(self, world: World) -> Mapping[str, tuple[Candidate, ...]]:
        return self._changes.setdefault(id(world), changes(world))

    def _ground(self, tenant: Tenant, anomaly: CostAnomaly, known: Known, found: Explained) -> Ground:
        first, end = hour_index(anomaly.started_at), hour_index(anomaly.last_at) + 1
        start, hours = max(first, end - _LOOKED_AT), end - first
        metered = Metered(
            series=anomaly.series,
            now=self._used(tenant, first, end),
            now_hours=hours,
            before=[
                each
                for begin in found.comparable
                for each in self._used(tenant, hour_index(begin), hour_index(begin) + hours)
            ],
            before_hours=len(found.comparable) * hours,
        )
        usage = tuple(self._used(tenant, start, end))
        return Ground(tenant.name, tenant.name, anomaly, known, metered, usage, end - start, ())

    def _used(self, tenant: Tenant, first: int, last: int) -> list[Part]:
        """Of every subsystem, summed up."""
        return [
            each
            for series in tenant.columns
            for each in summed(self.usages.of(tenant, series), series, START + _HOUR * first, first, last)
        ]

    def _go_on(self, act: Act, hour: int, now: datetime) -> None:
        anomaly = act.tenant.anomaly(act.plan.anomaly)
        if act.state is State.WAITING and act.looked_at <= now:
            self._look(act, anomaly, hour)
        elif act.state is State.EXECUTED and not self._harms(act, hour):
            self._verify(act, hour)
        elif act.state is State.VERIFIED and act.setting is not None and act.setting.end is None:
            # What is not needed any more is taken back by hand.
            if act.lift_at is None and not anomaly.is_open and self.looks_at is not None:
                act.lift_at = self.looks_at(now)
            if act.lift_at is not None and act.lift_at <= now:
                act.setting.end = hour + 1

    def _look(self, act: Act, anomaly: CostAnomaly, hour: int) -> None:
        at, plan = act.looked_at, act.plan
        if at > act.planned_at + plan.playbook.plan_lasts_hours * _HOUR:
            act.state = State.LAPSED
            if not anomaly.is_open:
                return
            # Planned anew by hand, from what is known now, and asked for at once.
            again = self._drafts(act.tenant, anomaly, {plan.playbook_id: plan.playbook}, by_hand=True)
            for each in again:
                renewed = Act(act.tenant, each, at, at, by_hand=True)
                self.acts.append(renewed)
                self._look(renewed, anomaly, hour)
            return
        if self._ended(act, START + _HOUR * (hour + 1)):
            act.state = State.ENDED
            return
        decision = shipped_policies().decide(
            SYSTEM, Action.PLAYBOOK_EXECUTE, Resource("playbook run", act.tenant.id),
            self._circumstances(act, anomaly, at).context,
        )  # fmt: skip
        if not decision.allowed:
            act.state = State.DENIED
            return
        act.state, act.executed_at = State.EXECUTED, at
        start = hour_index(at - timedelta(microseconds=1)) + 1
        act.setting = Setting(plan.playbook.action, plan.target, plan.parameters, start)

    def _circumstances(self, act: Act, anomaly: CostAnomaly, at: datetime) -> Automation:
        """Of one world, which is one house."""
        plan, limits = act.plan, act.plan.playbook.limits
        done = [
            each
            for each in self.acts
            if each.tenant.world is act.tenant.world
            and each is not act
            and each.executed_at is not None
            and each.executed_at <= at
        ]
        hour_ago, day_ago = at - _HOUR, at - timedelta(days=1)
        same = [each for each in done if each.plan.playbook_id == plan.playbook_id]
        before = [
            e.executed_at for e in same if e.tenant.id == act.tenant.id and e.plan.target == plan.target
        ]
        reached = {e.tenant.id for e in same if _after(e, day_ago)}
        return Automation(
            playbook=plan.playbook_id,
            act=plan.playbook.action.value,
            mode=plan.playbook.mode.value,
            in_force=True,
            approved=True,
            alone=False,
            anomaly=standing(anomaly, act.planned_at),
            stopped=(),
            minutes_since_last=min(
                (int((at - each) / timedelta(minutes=1)) for each in before if each is not None), default=None
            ),
            cool_down_minutes=plan.playbook.cool_down_minutes,
            actions=Counted(sum(_after(each, hour_ago) for each in same), limits.actions_per_hour),
            house_actions=Counted(
                sum(_after(each, hour_ago) for each in done), self.playbooks.actions_per_hour
            ),
            tenants=Counted(len(reached | {act.tenant.id}), limits.tenants_per_run),
            money=plan.blast_radius.per_day
            + sum(each.plan.blast_radius.per_day for each in same if _after(each, day_ago)),
            money_limit=limits.money(plan.currency),
        )

    def _ended(self, act: Act, closed: datetime) -> bool:
        """Whether each of the last hours closed since the plan would have verified it without an act."""
        plan = act.plan
        known = max(plan.ended_at, hour_of(act.planned_at)) if act.by_hand else plan.ended_at
        calm = calm_hours(known, closed, plan.playbook.verify.hours)
        return bool(calm) and all(
            reduction(
                plan, at, at + _HOUR, *self._cost(act, at, at + _HOUR), self._usual(act, at, at + _HOUR)
            ).verified
            for at in calm
        )

    def _harms(self, act: Act, hour: int) -> bool:
        """Whether the tenant suffers since: what a throttle holds back of usual work are requests refused."""
        assert act.setting is not None
        since = [self._asked(act.tenant, each) for each in range(act.setting.start, hour + 1)]
        before = [self._asked(act.tenant, act.setting.start - 1)]
        harm = suffering(
            act.plan.playbook.health, {"requests": _events(before)}, {"requests": _events(since)}
        )
        if harm:
            act.state, act.setting.end = State.HARMFUL, hour + 1
        return bool(harm)

    def _asked(self, tenant: Tenant, hour: int) -> Events:
        """Requests of usual work in an hour; all are served where nothing is held back."""
        if (known := self._requests.get((tenant.id, hour))) is not None:
            return known
        units = usual_of(tenant, self.usages, hour) // PRICE
        return Events(units, units)

    def _verify(self, act: Act, hour: int) -> None:
        assert act.executed_at is not None
        assert act.setting is not None
        start, end = hours_to_verify(act.executed_at, act.plan.playbook.verify.hours)
        if START + _HOUR * hour < end - _HOUR:
            return
        found = reduction(act.plan, start, end, *self._cost(act, start, end), self._usual(act, start, end))
        if found.verified:
            act.state, act.recovered_at = State.VERIFIED, start
        else:
            act.state, act.setting.end = State.ROLLED_BACK, hour + 1

    def _cost(self, act: Act, start: datetime, end: datetime) -> tuple[Decimal, Decimal]:
        """Of the part that was acted upon, and of its series."""
        series = Series(act.plan.subsystem, act.plan.currency)
        used = self.usages.of(act.tenant, series)
        told = summed(used, series, start, hour_index(start), hour_index(end))
        return _sum(told, act.plan.part.where), _sum(told, {})

    def _usual(self, act: Act, start: datetime, end: datetime) -> Usual:
        plan = act.plan
        length = plan.ended_at - plan.started_at
        then = [
            self._cost(act, begin, begin + length)[1]
            for begin in weeks_before(plan.started_at, plan.ended_at, before=plan.started_at, since=START)
        ]
        since = [
            self._cost(act, begin, begin + (end - start))
            for begin in weeks_before(start, end, before=plan.started_at, since=START)
        ]
        return Usual(tuple(then), tuple(whole for _, whole in since), tuple(part for part, _ in since))


def _events(hours: Sequence[Events]) -> Events:
    return Events(sum(each.total for each in hours), sum(each.good for each in hours))


def _after(act: Act, at: datetime) -> bool:
    return act.executed_at is not None and act.executed_at > at


def _sum(usage: Sequence[Part], where: Mapping[str, str]) -> Decimal:
    return sum((each.cost for each in usage if covers(where, each)), Decimal(0))
