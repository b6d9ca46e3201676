"""What is asked for, who decided, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.access.passkeys.model import Passkey
from trust_portal.errors import InvalidInput
from trust_portal.evidence.act import Input
from trust_portal.evidence.assertion import Assertion
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.canonical import Json, canonical, sha256_hex
from trust_portal.kernel.names import is_readable, require_words

#: What refusals and access logs call it.
NOUN: Final = "approval request"
#: Codes of what nobody could approve: no rule says who may, or too few people could.
NO_APPROVAL_RULE: Final = "NO_APPROVAL_RULE"
UNFULFILLABLE: Final = "UNFULFILLABLE"
#: How the reason begins of a request that ended because policy forbids what it was about.
FORBIDDEN_NOW: Final = "Policy forbids it now"

#: More approvers than this is a meeting, not a decision.
MOST_APPROVERS: Final = 4

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"/(?!/)[!-~]{0,500}")


class ApprovalKind(StrEnum):
    """What needs approval. Each kind has a rule in ``policies/approvals.yaml``, or cannot be asked for."""

    BREAK_GLASS_REVIEW = "break_glass_review"
    CREDIT = "credit"
    EXCLUSION = "exclusion"
    KEY_ROTATION = "key_rotation"
    PLAYBOOK_RUN = "playbook_run"
    POLICY_CHANGE = "policy_change"
    RETENTION_CHANGE = "retention_change"
    SEVERITY_DOWNGRADE = "severity_downgrade"
    THRESHOLD_CHANGE = "threshold_change"


class StepAct(StrEnum):
    """What can happen to a request. After anything but an approval nothing can."""

    APPROVE = "approve"
    DENY = "deny"
    EXPIRE = "expire"
    USE = "use"
    VOID = "void"
    WITHDRAW = "withdraw"


class ApprovalState(StrEnum):
    """``approved`` is approved by everybody and not used yet; the last five are ends."""

    PENDING = "pending"
    APPROVED = "approved"
    USED = "used"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    VOID = "void"

    @property
    def live(self) -> bool:
        return self in {ApprovalState.PENDING, ApprovalState.APPROVED}


@dataclass(frozen=True, slots=True)
class IntentLine:
    """One fact of the act as it is shown: ``Amount`` – ``120.00 EUR``."""

    label: str
    value: str

    def __post_init__(self) -> None:
        _require_line(self.label, "act.label", 80)
        _require_line(self.value, "act.value", 2000)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the act rests on: ``path`` of its page in this portal, and hex SHA-256 of what lies there."""

    label: str
    path: str
    sha256: str

    def __post_init__(self) -> None:
        _require_line(self.label, "evidence.label", 200)
        if not _PATH.fullmatch(self.path):
            raise InvalidInput("a path of this portal begins with one slash", field="evidence.path")
        if not _SHA256.fullmatch(self.sha256):
            raise InvalidInput("a digest is 64 lower-case hexadecimal digits", field="evidence.sha256")


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked for, whole: approvers see this and nothing else, and its digest is what they approve.

    ``act`` says what will be done, ``effect`` what will come of it, ``risk`` what could go wrong.
    Texts of one line each, so that nothing of it can be hidden or look like something else.
    """

    kind: ApprovalKind
    tenant_key: str
    tenant_name: str
    title: str
    act: tuple[IntentLine, ...]
    effect: str
    risk: str
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        _require_line(self.tenant_key, "tenant.key", 200)
        _require_line(self.tenant_name, "tenant.name", 200)
        _require_line(self.title, "title", 200)
        _require_line(self.effect, "effect", 2000)
        _require_line(self.risk, "risk", 2000)
        if not 1 <= len(self.act) <= 40:
            raise InvalidInput("an act is told in 1 to 40 lines", field="act")
        if len(self.evidence) > 40:
            raise InvalidInput("40 pieces of evidence are the most", field="evidence")

    def json(self) -> Mapping[str, Json]:
        """Strings only, so that a page can make the same bytes (RFC 8785) of what it shows."""
        return {
            "kind": self.kind.value,
            "tenant": {"key": self.tenant_key, "name": self.tenant_name},
            "title": self.title,
            "act": [{"label": each.label, "value": each.value} for each in self.act],
            "effect": self.effect,
            "risk": self.risk,
            "evidence": [
                {"label": each.label, "path": each.path, "sha256": each.sha256} for each in self.evidence
            ],
        }

    def canonical(self) -> bytes:
        return canonical(self.json())

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the canonical bytes."""
        return sha256_hex(self.canonical())


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Command: ask that ``intent`` be approved. ``subject`` is what it is about, as ``<noun>/<id>``.

    ``concerns`` is whose act it is where somebody else asks, or the clock: they stand in the
    requester's place, and so do not decide on it.
    """

    tenant_id: UUID
    intent: Intent
    reason: str
    subject: str
    concerns: Actor | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        _require_line(self.subject, "subject", 200)

    @property
    def kind(self) -> ApprovalKind:
        return self.intent.kind


@dataclass(frozen=True, slots=True)
class Approve:
    """Command. ``digest`` is that of the intent the approver was shown.

    ``slot`` (1, 2, …) is the place to fill; ``None``: the one that fewest others can fill.
    ``assertion`` is the approver's signature with a passkey over ``statement.decision_statement``.
    """

    tenant_id: UUID
    request_id: UUID
    digest: str
    reason: str
    slot: int | None = None
    assertion: Assertion | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Deny:
    """Command: one denial ends the request. It may be signed like an approval, and never must be."""

    tenant_id: UUID
    request_id: UUID
    digest: str
    reason: str
    assertion: Assertion | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Command of the one who asked, and of nobody else."""

    tenant_id: UUID
    request_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """As it was opened, never changed. ``roles`` are the slots in order.

    ``requester_id`` is the person, also where a token asked; an actor without a person stands for
    itself. ``nonce`` (64 hex digits) makes what is signed for this request different from any other.
    """

    id: UUID
    tenant_id: UUID
    intent: Intent
    subject: str
    rule_id: str
    policy_version: str
    roles: tuple[Role, ...]
    requester_id: UUID
    requester_kind: ActorKind
    requester_name: str
    reason: str
    nonce: str
    requested_at: datetime
    expires_at: datetime
    use_seconds: int
    receipt_id: UUID

    @property
    def kind(self) -> ApprovalKind:
        return self.intent.kind

    @property
    def digest(self) -> str:
        return self.intent.digest


@dataclass(frozen=True, slots=True)
class Step:
    """Link ``ordinal`` (1, 2, …) of what happened to a request. ``slot`` and ``role`` are of decisions.

    ``granted_by`` is the person who gave the approver that role; ``None`` where no person did.
    ``signature_id``: the signature on record with the decision.
    """

    ordinal: int
    act: StepAct
    person_id: UUID
    person_name: str
    at: datetime
    reason: str
    receipt_id: UUID
    slot: int | None = None
    role: Role | None = None
    granted_by: UUID | None = None
    signature_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody of the vendor who may decide; ``roles`` with who granted each (``None``: no person).

    ``passkeys``, also the revoked ones, are there where an approval may be used (``Approvals.who_could``).
    """

    person_id: UUID
    name: str
    roles: Mapping[Role, UUID | None]
    passkeys: tuple[Passkey, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Approval:
    """A request and everything that happened to it, in order."""

    request: ApprovalRequest
    steps: tuple[Step, ...] = ()

    @property
    def approvals(self) -> tuple[Step, ...]:
        return tuple(each for each in self.steps if each.act is StepAct.APPROVE)

    @property
    def open_slots(self) -> tuple[int, ...]:
        """Numbers of the slots nobody has filled."""
        filled = {each.slot for each in self.approvals}
        return tuple(slot for slot in range(1, len(self.request.roles) + 1) if slot not in filled)

    @property
    def end(self) -> Step | None:
        return self.steps[-1] if self.steps and self.steps[-1].act is not StepAct.APPROVE else None


@dataclass(frozen=True, slots=True)
class UsedApproval:
    """What an act needs to say that it was approved. ``inputs`` go into its receipt.

    ``result`` is what the receipt's own part says of it: ``requester`` and ``approvals``, which
    verifiers look at (docs/formats/receipts.md).
    """

    approval: Approval
    inputs: tuple[Input, ...] = field(repr=False)
    result: Mapping[str, Json] = field(repr=False)

    @property
    def requester_id(self) -> UUID:
        return self.approval.request.requester_id

    @property
    def approver_ids(self) -> frozenset[UUID]:
        return frozenset(each.person_id for each in self.approval.approvals)


def person_behind(actor: Actor) -> UUID:
    """The person a token acts for; an actor without one stands for itself."""
    return actor.person_id or actor.id


def _require_line(text: str, field: str, longest: int) -> None:
    if not 1 <= len(text) <= longest or text != text.strip():
        raise InvalidInput(f"1 to {longest} characters, without space around them", field=field)
    if not is_readable(text):
        raise InvalidInput("one line without invisible or control characters", field=field)
