"""What policy is told before automation acts: the Cedar context of ``tenant:playbook:execute``.

The figures are counted by whoever asks, under a lock; the rules compare them
(``policies/automation.cedar``), so that the receipt of an act or of a refusal names the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Context: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Counted:
    """What was done, against what may be done."""

    done: int
    limit: int

    @property
    def context(self) -> Context:
        return {"done": self.done, "limit": self.limit}


@dataclass(frozen=True, slots=True)
class Automation:
    """One act of a playbook.

    ``alone``: somebody who has broken the glass for the tenant has it done without approval.
    ``mode``, limits and cool-down are those in force now; ``in_force`` is false where the playbook was
    taken out since, or made to do something else. ``anomaly`` is ``stands``, or what became of it since it
    was planned for: ``planned`` or ``false`` (people called it so), ``suppressed``, ``merged``, ``over``. ``stopped``: which kill switches are on (``everywhere``, ``tenant``, ``playbook``). ``actions`` and
    ``house_actions`` were done in the last hour, by this playbook and by all; ``tenants`` are those that
    this playbook acted on in the last day, whatever the targets, with this one; ``money`` is what the usage acted upon costs a day, in minor units, today's acts
    and this one together. A limit of money that is not set for the currency is ``None``.
    ``minutes_since_last``: since the same was last done to the same; ``None`` if it never was.
    """

    playbook: str
    act: str
    mode: str
    in_force: bool
    approved: bool
    alone: bool
    anomaly: str
    stopped: tuple[str, ...]
    minutes_since_last: int | None
    cool_down_minutes: int
    actions: Counted
    house_actions: Counted
    tenants: Counted
    money: int
    money_limit: int | None

    @property
    def context(self) -> Context:
        found: dict[str, object] = {
            "playbook": self.playbook,
            "act": self.act,
            "mode": self.mode,
            "inForce": self.in_force,
            "approved": self.approved,
            "alone": self.alone,
            "anomaly": self.anomaly,
            "stopped": list(self.stopped),
            "coolDownMinutes": self.cool_down_minutes,
            "actions": self.actions.context,
            "houseActions": self.house_actions.context,
            "tenants": self.tenants.context,
            "money": self.money,
        }
        if self.minutes_since_last is not None:
            found["minutesSinceLast"] = self.minutes_since_last
        if self.money_limit is not None:
            found["moneyLimit"] = self.money_limit
        return found


@dataclass(frozen=True, slots=True)
class Reversal:
    """Taking back an act of a playbook, by hand or by itself."""

    stopped: tuple[str, ...]

    @property
    def context(self) -> Context:
        return {"stopped": list(self.stopped)}


#: An approved act within every limit, with no switch on: what a table of rights speaks of.
UNHINDERED = Automation(
    playbook="",
    act="",
    mode="approval",
    in_force=True,
    approved=True,
    alone=False,
    anomaly="stands",
    stopped=(),
    minutes_since_last=None,
    cool_down_minutes=0,
    actions=Counted(0, 1),
    house_actions=Counted(0, 1),
    tenants=Counted(1, 1),
    money=0,
    money_limit=0,
)
