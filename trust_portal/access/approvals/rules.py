"""The rules of dual control, read from ``policies/approvals.yaml``: per kind, who must agree and how soon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import yaml

from trust_portal.access.approvals.model import MOST_APPROVERS, ApprovalKind
from trust_portal.errors import BadPolicies
from trust_portal.kernel.actor import CUSTOMER_ROLES, Role

_DURATION = re.compile(r"([1-9][0-9]{0,3})(m|h|d)")
_UNIT = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
#: The floor, which the tables hold too (``tables.lone_requests``): whatever is asked for, two approve.
FEWEST_APPROVERS: Final = 2
_FIELDS: Final = {"id", "approvers", "decide_within", "use_within"}
#: What rules said before every approval was signed. It stands in texts that were in force once, and decides nothing.
_FORMERLY: Final = {"passkey"}


@dataclass(frozen=True, slots=True)
class Rule:
    """``approvers``: one role per slot. Without any nobody can approve, so nothing can be asked for.

    ``decide_within`` is how long a request waits, ``use_within`` how long an approval may be used.
    """

    id: str
    kind: ApprovalKind
    approvers: tuple[Role, ...]
    decide_within: timedelta
    use_within: timedelta


def parse_rules(text: str) -> Mapping[ApprovalKind, Rule]:
    """The rules of a policy set by kind. Raises ``BadPolicies`` naming the rule and what is wrong with it."""
    try:
        value = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - builds text, lists, mappings only
    except yaml.YAMLError as error:
        raise _bad(f"not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise _bad("not a mapping of kinds to rules")
    if len(value) != len(re.findall(r"^[a-z_]+:", text, re.MULTILINE)):
        raise _bad("one kind has two rules")
    rules = {rule.kind: rule for rule in (_rule(kind, fields) for kind, fields in value.items())}
    ids = [rule.id for rule in rules.values()]
    if len(set(ids)) != len(ids):
        raise _bad("two rules share an id")
    return rules


def _rule(kind: object, fields: object) -> Rule:
    if kind not in set(ApprovalKind):
        raise _bad(f"{kind!r} is nothing that can be asked for")
    if not isinstance(fields, dict) or set(fields) - _FORMERLY != _FIELDS:
        raise _bad(f"{kind}: a rule has {', '.join(sorted(_FIELDS))}, no more and no less")
    if not re.fullmatch(r"[a-z0-9-]{1,80}", str(fields["id"])):
        raise _bad(f"{kind}: an id is lower-case letters, digits and hyphens")
    rule = Rule(
        id=str(fields["id"]),
        kind=ApprovalKind(str(kind)),
        approvers=_approvers(str(kind), fields["approvers"]),
        decide_within=_duration(str(kind), "decide_within", fields["decide_within"]),
        use_within=_duration(str(kind), "use_within", fields["use_within"]),
    )
    if 0 < len(rule.approvers) < FEWEST_APPROVERS:
        raise _bad(f"{kind}: takes two approvers or more")
    return rule


def _approvers(kind: str, value: object) -> tuple[Role, ...]:
    if not isinstance(value, list) or len(value) > MOST_APPROVERS:
        raise _bad(f"{kind}: approvers is a list of at most {MOST_APPROVERS} roles")
    vendor_roles = {role.value: role for role in Role if role not in CUSTOMER_ROLES}
    for each in value:
        if each not in vendor_roles:
            raise _bad(f"{kind}: {each!r} is no role of the vendor")
    return tuple(vendor_roles[each] for each in value)


def _duration(kind: str, field: str, value: object) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _bad(f"{kind}: {field} is a number with m, h or d, like 24h")
    found = int(match[1]) * _UNIT[match[2]]
    if found > timedelta(days=90):
        raise _bad(f"{kind}: {field} is at most 90 days")
    return found


def _bad(message: str) -> BadPolicies:
    return BadPolicies(f"approvals.yaml: {message}")
