"""What approvers of new policies are shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.policy_change.changes import changes, difference, rules_of
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.canonical import sha256_hex

_LONGEST: Final = 2000
_MOST_RULES: Final = 20
_RULES: Final = "approvals.yaml"


def policy_intent(
    vendor: Tenant, old_version: str, old: Mapping[str, str], new_version: str, new: Mapping[str, str]
) -> Intent:
    """``old`` is in force, ``new`` (file name to text) shall be. Rules of dual control are shown whole."""
    found = changes(old, new)
    lines = [IntentLine("Version", new_version), IntentLine("Instead of", old_version)]
    lines += [IntentLine(each.name, _cut(each.words)) for each in found[:_MOST_RULES]]
    before, after = rules_of(old.get(_RULES, "")), rules_of(new.get(_RULES, ""))
    differing = [kind for kind in sorted(before.keys() | after.keys()) if before.get(kind) != after.get(kind)]
    lines += [
        IntentLine(
            f"Approval of {kind}"[:80], _cut(f"{_rule(after, kind)}, instead of {_rule(before, kind)}")
        )
        for kind in differing[: 40 - len(lines)]
    ]
    return Intent(
        kind=ApprovalKind.POLICY_CHANGE,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=f"New policies {new_version[:12]} in place of {old_version[:12]}",
        act=tuple(lines),
        effect=(
            "Every process of this version decides by the new texts from then on; what was decided before"
            " keeps naming the version that decided it"
        ),
        risk="Who may do what, and who must agree to it, is what these texts say",
        evidence=(
            Evidence(
                "Every line that differs",
                f"/policies?version={new_version}&against={old_version}",
                sha256_hex(difference(old, new).encode()),
            ),
        ),
    )


def retirement_intent(vendor: Tenant, version: str, in_force: str) -> Intent:
    """``version`` was in force once and shall decide no more; ``in_force`` is the newest."""
    return Intent(
        kind=ApprovalKind.POLICY_CHANGE,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=f"Retire the policies {version[:12]}",
        act=(IntentLine("Retire version", version), IntentLine("In force", in_force)),
        effect=(
            "A program that brings these texts decides by the version in force instead, or not at all; it cannot be"
            " undone, and what was decided by them stays decided"
        ),
        risk="Going back to the release that brought them may close what only they permit",
    )


def _rule(rules: Mapping[str, str], kind: str) -> str:
    text = rules.get(kind)
    if text is None:
        return "no rule, so nobody"
    return ", ".join(line.strip() for line in text.splitlines()[1:])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …"
