"""Setting up who confirms a tenant's counts, trying it out, and withdrawing it."""

from __future__ import annotations

from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.cross_check import (
    CrossCheckSource,
    CrossCheckTrial,
    cross_check_source,
    cross_check_trial,
)
from schema.types.named import NamedValueInput
from schema.work import weighs
from trust_portal.errors import InvalidInput
from trust_portal.reliability.crosscheck.model import SetSource, SourceDefinition, TrySource


@strawberry.input(description="How an objective's counters are found in a Prometheus.")
class CrossCheckSourceInput:
    url: str = strawberry.field(description="Without name and password.")
    total: str | None = strawberry.field(default=None, description="Counter of all requests.")
    good: str | None = strawberry.field(default=None, description="Counter of good requests.")
    buckets: str | None = strawberry.field(default=None, description="Buckets of a histogram, for latency.")
    labels: list[NamedValueInput] = strawberry.field(
        default_factory=list,
        description="Those that a series must have; they must leave one series of each counter.",
    )
    interval_seconds: int = strawberry.field(default=60, description="Between two samples.")
    tolerance: str = strawberry.field(default="0", description="Requests that counts may differ by.")
    credential: str | None = strawberry.field(
        default=None, description="Name of an entry in the installation's file."
    )


@strawberry.input(description="What to cross-check from now on, and why.")
class SetCrossCheckInput:
    tenant_id: strawberry.ID
    objective: str
    source: CrossCheckSourceInput
    reason: str
    expected_revision: int | None = strawberry.field(
        default=None, description="Refused if it was changed since."
    )


@strawberry.input(description="What is not to be cross-checked any more, and why.")
class WithdrawCrossCheckInput:
    tenant_id: strawberry.ID
    objective: str
    reason: str


@strawberry.input(description="Which source to ask, over how many of the last hours.")
class TestCrossCheckInput:
    tenant_id: strawberry.ID
    objective: str
    source: CrossCheckSourceInput
    hours: int = strawberry.field(default=24, description="1 to 744.")


@strawberry.type(description="The settings as they stand.")
class CrossCheckPayload(Payload):
    source: CrossCheckSource | None = None


@strawberry.type(description="What the source answered.")
class TestCrossCheckPayload(Payload):
    trial: CrossCheckTrial | None = None


@strawberry.type
class CrossCheckMutations:
    @mutation(description="Have an objective's counts confirmed by a second source.")
    async def set_cross_check(self, info: Info, input: SetCrossCheckInput) -> CrossCheckPayload:
        command = SetSource(
            _tenant(input.tenant_id),
            input.objective,
            _definition(input.source),
            input.reason,
            input.expected_revision,
        )
        revision = await info.context.house.cross_checks.set(command, info.context.actor)
        return CrossCheckPayload(source=cross_check_source(revision))

    @mutation(description="Stop cross-checking an objective; its reports then say so.")
    async def withdraw_cross_check(self, info: Info, input: WithdrawCrossCheckInput) -> CrossCheckPayload:
        command = SetSource(_tenant(input.tenant_id), input.objective, None, input.reason)
        revision = await info.context.house.cross_checks.set(command, info.context.actor)
        return CrossCheckPayload(source=cross_check_source(revision))

    @mutation(description="Ask a source as a report would, and change nothing.", metadata=weighs(500))
    async def test_cross_check(self, info: Info, input: TestCrossCheckInput) -> TestCrossCheckPayload:
        question = TrySource(
            _tenant(input.tenant_id), input.objective, _definition(input.source), input.hours
        )
        trial = await info.context.house.cross_checks.try_out(question, info.context.actor)
        return TestCrossCheckPayload(trial=cross_check_trial(trial))


def _tenant(id_: strawberry.ID) -> UUID:
    return decode(id_, "Tenant", field="tenantId").tenant_id


def _definition(source: CrossCheckSourceInput) -> SourceDefinition:
    if not (source.tolerance.isascii() and source.tolerance.isdigit() and len(source.tolerance) < 18):
        raise InvalidInput("a whole number of requests, zero or more", field="tolerance")
    return SourceDefinition(
        url=source.url,
        total=source.total,
        good=source.good,
        buckets=source.buckets,
        labels=tuple((each.name, each.value) for each in source.labels),
        interval=source.interval_seconds,
        tolerance=int(source.tolerance),
        credential=source.credential,
    )
