"""What the Switchboard's statements count is what the plain calculation makes of the same actions, line by line."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Connection
from sqlalchemy.engine import make_url
from support.switchboard_fold import Owing, agreed_of, owed_at

from trust_portal.house import House
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.actions.model import ENDS_AS, ActionState, StepAct
from trust_portal.learning.actions.standings import COLUMNS, DERIVED
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import board, past_moments
from trust_portal.learning.switchboard.completion import completion
from trust_portal.learning.switchboard.model import ActionLine, BoardFilter, DateSet, Grouping, Whose
from trust_portal.learning.switchboard.repository import read_lines
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.storage.tenancy import TenantScope

AT = datetime(2026, 11, 10, 12, tzinfo=UTC)
#: Across a change of clocks in each of them that has one, at both ends of the day.
ZONES = ("Europe/Berlin", "America/Havana", "Pacific/Kiritimati", "Pacific/Niue")
SERVICES, TEAMS, OWNERS = ("api", "billing"), (None, "core", "payments"), ("Olga", "Max", "Olga")
ACTIONS = 300


@dataclass
class World:
    database: Connection
    chance: random.Random
    #: When the agreed day is over of what an action replaces.
    before: dict[UUID, datetime] = field(default_factory=dict)

    async def write(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        await self.database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values.values())

    async def standings(self) -> None:
        await self.database.execute(f"INSERT INTO prevention_standings ({COLUMNS}) {DERIVED}", VENDOR_ID)

    def moment(self, earliest: datetime) -> datetime:
        """After ``earliest``; often exactly one of the trend's, or a day's very end."""
        moments = [each for each in (*past_moments(AT), AT) if each > earliest]
        if moments and self.chance.random() < 0.2:
            return self.chance.choice(moments)
        return earliest + timedelta(seconds=self.chance.randint(1, 15 * 86400))

    async def action(self, owners: list[tuple[UUID, str]]) -> ActionLine:
        """One with its incident, planned within a year, dated, moved and ended, or not, before ``AT``."""
        chance = self.chance
        owner_id, owner = chance.choice(owners)
        whose = Whose(
            chance.choice(tuple(Severity)), chance.choice(SERVICES), chance.choice(TEAMS), owner, owner_id
        )
        id_, incident_id, zone = new_id(), new_id(), chance.choice(ZONES)
        created_at = self.moment(AT - timedelta(days=chance.randint(30, 365)))
        await self._incident(incident_id, whose, created_at)
        acts = [StepAct.BEGIN, *[StepAct.MOVE] * chance.randint(0, 2)] if chance.random() < 0.9 else []
        inherits, agreed = acts and chance.random() < 0.2, None
        moves = chance.randint(0, 3) if inherits else 0
        if inherits:
            agreed = created_at.date() - timedelta(days=chance.randint(0, 20))
            self.before[id_] = WorkCalendar(time_zone=zone).end_of(agreed)
        await self.write(
            "prevention_actions",
            tenant_id=VENDOR_ID, id=id_, postmortem_id=new_id(), incident_id=incident_id, title="Limit the pool",
            type="prevent", owner_id=owner_id, term=5, time_zone=zone, created_at=created_at, by_id=new_id(),
            by_name="p", receipt_id=new_id(), replaces=new_id() if inherits else None, agreed_before=agreed,
            moves_before=moves,
        )  # fmt: skip
        if chance.random() < 0.8:
            acts.append(
                chance.choice([*ENDS_AS, *[StepAct.FINISH] * 4] if acts else [StepAct.DROP, StepAct.WITHDRAW])
            )
        line = ActionLine(
            id_, "Limit the pool", incident_id, whose, created_at, (), ActionState.OPEN, None, moves
        )
        return await self._steps(line, acts, zone)

    async def _steps(self, line: ActionLine, acts: list[StepAct], zone: str) -> ActionLine:
        at, before = line.created_at, None
        for ordinal, act in enumerate(acts, start=1):
            if act is StepAct.WITHDRAW and ordinal > 1:
                break
            at = self.moment(at)
            if act is StepAct.FINISH and self.chance.random() < 0.3:
                at = max(line.dates[0].over_at, line.dates[-1].at)
            if at > AT:
                break
            due = (
                at.date() + timedelta(days=self.chance.randint(1, 40))
                if act in {StepAct.BEGIN, StepAct.MOVE}
                else None
            )
            # Its owner may have moved since it was planned; of dates of long ago only the plan says where to.
            then = None if due is None else self.chance.choice([None, *ZONES])
            await self._step(line, ordinal, act, before, due, at, then)
            if due is None:
                line = line._replace(state=ENDS_AS[act], ended_at=at)
            else:
                over_at = WorkCalendar(time_zone=then or zone).end_of(due)
                line = line._replace(dates=(*line.dates, DateSet(at, due, over_at)))
            before = act
        return line

    async def _step(
        self,
        line: ActionLine,
        ordinal: int,
        act: StepAct,
        before: StepAct | None,
        due: date | None,
        at: datetime,
        zone: str | None,
    ) -> None:
        await self.write(
            "prevention_action_steps",
            tenant_id=VENDOR_ID, action_id=line.id, ordinal=ordinal, act=act.value,
            previous=None if before is None else ordinal - 1, previous_act=None if before is None else before.value,
            owner_id=line.whose.owner_id, due=due, time_zone=zone, note=None if act is StepAct.BEGIN else "x",
            evidence="https://x.example/" if act is StepAct.FINISH else None,
            successor_id=new_id() if act is StepAct.SUPERSEDE else None,
            agreed=line.dates[0].due if act is StepAct.SUPERSEDE and before is not None else None, at=at, by_id=new_id(), by_name="p",
            receipt_id=new_id(),
        )  # fmt: skip

    async def _incident(self, id_: UUID, whose: Whose, at: datetime) -> None:
        severity = whose.severity.value
        await self.write(
            "incidents",
            tenant_id=VENDOR_ID, id=id_, source="urn:test", key=str(id_), title="Down", service=whose.service,
            team=whose.team, owner=whose.owner, owner_person_id=whose.owner_id, severity=severity,
            declared_severity=severity, told_severity=severity, worst_severity=severity, severity_at=at,
            major_because="declared" if whose.severity.is_major else None, began_at=at, detected_at=at,
            declared_at=at, reopened=0, merge_keys=[], everybody=True, facts=1, last_fact_at=at, changed_at=at, changes=[at], followed_at=at,
            shown_id=new_id(),
        )  # fmt: skip


@pytest.fixture
async def world(server_thread: Any, house: House) -> AsyncIterator[World]:
    """Rows of its own, past the product's doors: hundreds of acts with receipts would take too long."""
    database = make_url(house.settings.database_url).database
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(database)
    await superuser.execute("SET session_replication_role = replica")
    yield World(superuser, random.Random(5))
    await superuser.close()


async def test_each_filter_gives_the_debt_the_trend_and_the_completion_of_its_lines(
    house: House, world: World
) -> None:
    owners = [(new_id(), name) for name in OWNERS]
    for id_, name in owners:
        await world.write(
            "people", tenant_id=VENDOR_ID, id=id_, email=f"{id_}@vendor.example", name=name, active=True,
            created_at=AT,
        )  # fmt: skip
    lines = [await world.action(owners) for _ in range(ACTIONS)]
    await world.standings()
    assert {each.state for each in lines} == set(ActionState)

    asked = [
        BoardFilter(),
        BoardFilter(service="api"),
        BoardFilter(team=""),
        BoardFilter(team="core", severity=Severity.P1),
        BoardFilter(owner=str(owners[0][0])),
        BoardFilter(owner="Olga"),
        BoardFilter(service="nothing"),
    ]
    rates = set()
    for wanted in asked:
        async with house.storage.read(TenantScope(VENDOR_ID), snapshot=True) as session:
            read = await read_lines(session, AT, wanted)
        found = board(read, wanted, AT)
        kept = [each for each in lines if wanted.keeps(each.whose)]
        owed = owed_at(kept, AT)

        assert {
            (each.owed.value, each.id): Owing(each.points, each.due, each.late) for each in found.debt.addends
        } == owed
        assert found.debt.points == sum(each.points for each in owed.values())
        assert (found.debt.open, found.debt.overdue, found.debt.unsigned, found.debt.missing) == (
            sum(what == "action" for what, _ in owed),
            sum(what == "action" and each.late for (what, _), each in owed.items()),
            0,
            sum(what == "missing" for what, _ in owed),
        )
        assert found.trend == tuple(
            (at, sum(each.points for each in owed_at(kept, at).values())) for at in (*past_moments(AT), AT)
        )
        assert found.completion == completion(agreed_of(kept, world.before), AT)
        assert found.choices[Grouping.OWNER] == tuple(
            sorted(((str(id_), name) for id_, name in owners), key=lambda pair: (pair[1].casefold(), pair[0]))
        )
        rates.add(found.completion.rate)
    assert len(rates) > 4
    assert len(read.spans) == len(read.agreed) == 0


async def test_no_look_at_the_board_is_planned_for_any_filter_at_all(house: House) -> None:
    """After five times PostgreSQL would; over ten thousand incidents such a plan takes minutes."""
    async with house.storage.read(TenantScope(VENDOR_ID), snapshot=True) as session:
        driver = await session.driver()
        for _ in range(7):
            await read_lines(session, AT, BoardFilter(service="api"))
            assert await driver.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
        planned = await driver.fetch(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE $1",
            "%$6::text IS NULL%",
        )
    assert [(row["custom_plans"], row["generic_plans"]) for row in planned] == [(7, 0)] * 3
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        assert await (await session.driver()).fetchval("SHOW plan_cache_mode") == "auto"
