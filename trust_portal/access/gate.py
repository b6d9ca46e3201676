"""The one door to policy: services ask before they act, and a no is written down.

A customer that reaches for another tenant's thing is told that there is no such thing. The gate
answers so without looking whether it exists, hence the two cases cannot differ, not even in time.
"""

from __future__ import annotations

from trust_portal.access.action import Action
from trust_portal.access.automation import Context
from trust_portal.access.denials import Denials
from trust_portal.access.policy import Decision, PolicySet, Resource
from trust_portal.errors import Denied, NotFound, UnknownToPolicies
from trust_portal.kernel.actor import Actor


class Gate:
    """Asks the policies; records denials in a transaction of their own, so that they outlive the
    one they stop.
    """

    def __init__(self, policies: PolicySet, denials: Denials) -> None:
        #: What came with this program, and what decides: the same once it is approved (``policy_register``).
        self.shipped = policies
        self.policies = policies
        self._denials = denials

    async def require(
        self, actor: Actor, action: Action, resource: Resource, context: Context | None = None
    ) -> Decision:
        """The decision that permits ``action``; its ids and version belong into the receipt.

        Raises ``Denied`` with the deciding policy ids, or ``NotFound`` where a customer reaches
        into another tenant. Either way the denial is recorded at the actor's own tenant first.
        """
        decision = await self.ask(actor, action, resource, context)
        if decision.allowed:
            return decision
        if action.of_a_tenant and not actor.is_staff and resource.tenant_id != actor.tenant_id:
            raise NotFound(resource.kind)
        raise Denied(_explain(actor, action), policies=decision.policies)

    async def ask(
        self, actor: Actor, action: Action, resource: Resource, context: Context | None = None
    ) -> Decision:
        """The decision, whichever it is, for acts that go on after a no; it is recorded as in ``require``."""
        decision = self.decide(actor, action, resource, context)
        if not decision.allowed:
            await self._denials.record(actor, action, resource, decision)
        return decision

    def allows(
        self, actor: Actor, action: Action, resource: Resource, context: Context | None = None
    ) -> bool:
        """Whether ``require`` would pass: for buttons and ``viewerCan``. Nothing is recorded."""
        return self.decide(actor, action, resource, context).allowed

    def decide(
        self, actor: Actor, action: Action, resource: Resource, context: Context | None = None
    ) -> Decision:
        """By the policies in force. Nothing is recorded.

        Texts that are older than this program do not know what it added: nobody may do that yet. What its
        own texts do not know either is a fault of ours, and so is a policy that fails: both are raised.
        """
        policies = self.policies
        try:
            return policies.decide(actor, action, resource, context)
        except UnknownToPolicies:
            if policies is not self.shipped:
                self.shipped.decide(actor, action, resource, context)
                return Decision(False, (), policies.version)
            raise


def _explain(actor: Actor, action: Action) -> str:
    _, noun, verb = action.value.split(":")
    act = f"{verb} {noun.replace('_', ' ')}"
    if actor.scopes:
        return f"this token may not {act}: its scopes are {', '.join(sorted(actor.scopes))}"
    return f"{actor.name} may not {act}; ask an administrator for a role that can"
