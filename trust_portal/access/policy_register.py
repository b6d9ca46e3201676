"""Every set of policies that ever decided here, with a receipt from the day it came into force.

A receipt names the version that permitted its act; here the version becomes words again. Which version
a process decides by is settled here too (docs/decisions/0009-policies-come-with-a-deployment.md).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from trust_portal.access.action import Action
from trust_portal.access.actors import CONSOLE
from trust_portal.access.gate import Gate
from trust_portal.access.policy import SCHEMA, PolicySet, PolicyText, Resource
from trust_portal.access.policy_change.receipts import install_act, return_act
from trust_portal.access.policy_change.repository import (
    add_first_install,
    add_rules,
    add_set,
    installs,
    texts_of,
)
from trust_portal.access.policy_change.retiring_repository import add_return, retired_versions
from trust_portal.access.policy_change.telling import tell_returned
from trust_portal.errors import Broken, NotFound, Unavailable
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_VENDOR = TenantScope(VENDOR_ID)
#: Between two looks whether what this process brought is approved by now; and, once it decides, retired.
_LOOK: Final = timedelta(seconds=5)
_SETTLED: Final = timedelta(seconds=30)

_log = structlog.get_logger("trust_portal.policies")


class PolicyRegister:
    """``install`` at the start of a process that decides; ``read`` for whoever may know the rules."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    @property
    def shipped(self) -> PolicySet:
        """What came with this program, whether it is in force or not."""
        return self._gate.shipped

    @property
    def waiting(self) -> bool:
        """Whether this process decides by other texts than those it came with."""
        return self._gate.policies.version != self.shipped.version

    async def install(self) -> bool:
        """Settle by which texts this process decides. True if its own were the first ever, and so recorded.

        The first version needs no approval: there is nobody yet who could give it. Its receipt is in the
        vendor's log, with the digest of every file. Any later one decides once it was approved; until then
        this process decides by the version in force. Raises ``Broken`` where it cannot.
        """
        policies = self.shipped
        async with self._storage.write(_VENDOR) as session:
            if not await installs(session):
                await add_set(session, policies.version, texts(policies))
                await add_rules(session, policies.approval_rules.values())
                if await add_first_install(session, policies.version):
                    await self._ledger.record(
                        session, install_act(policies.version, texts(policies), session.clock.now())
                    )
                    return True
        await self.follow()
        async with self._storage.write(_VENDOR) as session:
            # Those of a set from before rules were kept beside it are not there yet.
            await add_rules(session, self._gate.policies.approval_rules.values())
            await self._say_if_superseded(session)
        if self.waiting:
            _log.warning(
                "policies.not_approved",
                shipped=policies.version,
                in_force=self._gate.policies.version,
                next='ask for approval: trust-portal policies request --reason "…"',
            )
        return False

    async def follow(self) -> None:
        """Decide by the texts this program came with if they ever came into force and are not retired, else by
        the newest that did.

        Changes nothing where nothing ever did: an installation that was not started yet.
        """
        async with self._storage.read(_VENDOR) as session:
            known = [each.version for each in await installs(session)]
            retired = await retired_versions(session)
            if not known or self.shipped.version in {*known} - retired | {known[-1]}:
                self._gate.policies = self.shipped
                return
            newest = known[-1]
            if newest == self._gate.policies.version:
                return
            kept = await texts_of(session, newest)
        self._gate.policies = usable(kept or {}, self.shipped.version)

    async def watch(self) -> None:
        """For ever: this process's own texts may be approved, or retired.

        Raises ``Broken`` where they are retired and it cannot decide by those in force. Nothing is permitted
        then, by whatever goes on in this process.
        """
        while True:
            await asyncio.sleep((_LOOK if self.waiting else _SETTLED).total_seconds())
            try:
                await self.follow()
            except Unavailable as error:
                _log.warning("policies.not_read", error=error.message)
            except Broken as error:
                _log.critical("policies.none_to_decide_by", error=error.message)
                self._gate.policies = _nothing(self.shipped)
                raise

    async def _say_if_superseded(self, session: WriteSession) -> None:
        """A receipt and a notice, once a day, where older texts than the newest decide again."""
        version, newest = self._gate.policies.version, (await installs(session))[-1].version
        if version == newest:
            return
        _log.warning("policies.superseded", deciding=version, superseded_by=newest)
        receipt_id = new_id()
        if await add_return(session, version, newest, receipt_id):
            act = return_act(version, texts(self._gate.policies), newest, session.clock.now())
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await tell_returned(session, version, newest)

    async def read(self, actor: Actor, version: str | None = None) -> tuple[PolicyText, ...]:
        """The texts in force, or those of another ``version`` that was, or was asked for. Raises ``NotFound``."""
        await self._gate.require(actor, Action.POLICIES_READ, Resource.of_house("policies", version))
        for each in (self._gate.policies, self.shipped):
            if version in {None, each.version}:
                return each.texts
        async with self._storage.read(_VENDOR) as session:
            found = await texts_of(session, version or "")
        if found is None:
            raise NotFound("version of the policies", field="version")
        return tuple(PolicyText(name, text) for name, text in sorted(found.items()))


def texts(policies: PolicySet) -> dict[str, str]:
    """File name to text."""
    return {each.name: each.text for each in policies.texts}


def usable(kept: dict[str, str], shipped: str) -> PolicySet:
    """The set in force, if this program can decide by it at all."""
    try:
        found = PolicySet.parse(kept)
        found.decide(CONSOLE, Action.POLICIES_READ, Resource.of_house("policies"))
        found.decide(SYSTEM, Action.POLICIES_READ, Resource.of_house("policies"))
    except Broken as error:
        raise Broken(
            f"this program cannot decide by the policies in force, and its own ({shipped[:12]}) are not approved:"
            " keep the version that runs now serving, ask with this one's `trust-portal policies request`,"
            f" and start it once they are approved ({error.message})",
            code="POLICIES_NOT_APPROVED",
        ) from error
    return found


def _nothing(shipped: PolicySet) -> PolicySet:
    """By which nobody may do anything."""
    return PolicySet.parse({SCHEMA: texts(shipped)[SCHEMA]})
