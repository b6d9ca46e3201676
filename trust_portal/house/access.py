"""Who may what: people, sessions, passkeys, tokens, policies, dual control, emergency access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.access.approvals.attesting import DecisionAuditor
from trust_portal.access.approvals.deciding import Decisions
from trust_portal.access.approvals.patterns import ApprovalPatterns
from trust_portal.access.approvals.reading import ApprovalInbox
from trust_portal.access.approvals.reminding import Reminders
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.archive import Archive, Named
from trust_portal.access.audits.holding import AuditsInForce
from trust_portal.access.audits.service import AuditInvitations
from trust_portal.access.break_glass.reviewing import GlassReviews
from trust_portal.access.break_glass.service import BreakGlass
from trust_portal.access.customer_keys.service import CustomerKeys
from trust_portal.access.denial_log import DenialLog
from trust_portal.access.gate import Gate
from trust_portal.access.key_rotation.service import KeyRotations
from trust_portal.access.passkeys.relying_party import relying_party
from trust_portal.access.passkeys.revoking import Revocations
from trust_portal.access.passkeys.service import Passkeys
from trust_portal.access.passkeys.signing import Signatures
from trust_portal.access.people.service import People
from trust_portal.access.policy_change.retiring import PolicyRetirements
from trust_portal.access.policy_change.service import PolicyChanges
from trust_portal.access.policy_register import PolicyRegister
from trust_portal.access.sessions.retention import SignInRetention
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.sign_in.links import SignInLinks
from trust_portal.access.sign_in.oidc_sign_in import OidcSignIn, connect_oidc
from trust_portal.access.sign_in.personas import Personas
from trust_portal.access.tenants.service import Tenants
from trust_portal.access.tokens.service import Tokens
from trust_portal.errors import InvalidInput
from trust_portal.evidence.audit import Auditor
from trust_portal.evidence.ledger import Ledger
from trust_portal.house.foundation import Foundation
from trust_portal.settings import Settings
from trust_portal.storage.unit_of_work import Storage

AUDITORS: Final[tuple[Auditor, ...]] = (DecisionAuditor(),)


@dataclass(frozen=True)
class AccessRoom:
    tenants: Tenants
    people: People
    sessions: Sessions
    sign_in_links: SignInLinks
    sign_in_retention: SignInRetention
    personas: Personas
    oidc: OidcSignIn | None
    tokens: Tokens
    passkeys: Passkeys
    passkey_revocations: Revocations
    signatures: Signatures
    approvals: Approvals
    decisions: Decisions
    approval_reminders: Reminders
    approval_inbox: ApprovalInbox
    approval_patterns: ApprovalPatterns
    break_glass: BreakGlass
    glass_reviews: GlassReviews
    policies: PolicyRegister
    policy_changes: PolicyChanges
    policy_retirements: PolicyRetirements
    key_rotations: KeyRotations
    customer_keys: CustomerKeys
    denials: DenialLog
    archive: Archive
    audit_invitations: AuditInvitations
    audits_in_force: AuditsInForce


def access_room(base: Foundation, named: Mapping[str, Named]) -> AccessRoom:
    """``named``: whom the vendor's own documents tell of, by kind."""
    settings = base.settings
    storage, gate, ledger, access_log = base.storage, base.gate, base.ledger, base.access_log
    people = People(storage, gate, ledger, access_log)
    sessions = Sessions(
        storage, gate, access_log, idle=settings.session_idle, absolute=settings.session_absolute
    )
    policies = PolicyRegister(storage, gate, ledger)
    approvals = Approvals(storage, gate, ledger)
    signatures = Signatures(storage, ledger)
    glass_reviews = GlassReviews(storage, ledger, approvals)
    return AccessRoom(
        tenants=Tenants(storage, gate, ledger, access_log),
        people=people,
        sessions=sessions,
        sign_in_links=SignInLinks(storage, gate, ledger, sessions, base_url=settings.base_url),
        sign_in_retention=SignInRetention(storage, idle=settings.session_idle),
        personas=Personas(storage, people, sessions, enabled=settings.demo),
        oidc=_oidc(settings, storage, sessions, gate, ledger),
        tokens=Tokens(storage, gate, ledger, access_log),
        passkeys=Passkeys(
            storage,
            gate,
            ledger,
            party=lambda: relying_party(settings.base_url, settings.passkey_domain),
            vendor_name=settings.vendor_name,
        ),
        passkey_revocations=Revocations(storage, ledger),
        signatures=signatures,
        approvals=approvals,
        decisions=Decisions(storage, gate, ledger, approvals, signatures),
        approval_reminders=Reminders(storage, approvals),
        approval_inbox=ApprovalInbox(storage, gate, access_log, approvals),
        approval_patterns=ApprovalPatterns(storage, gate, access_log),
        break_glass=BreakGlass(storage, gate, ledger, access_log, approvals, glass_reviews),
        glass_reviews=glass_reviews,
        policies=policies,
        policy_changes=PolicyChanges(storage, gate, ledger, approvals, policies),
        policy_retirements=PolicyRetirements(storage, gate, ledger, approvals, policies),
        key_rotations=KeyRotations(storage, gate, ledger, approvals, base.keyring),
        customer_keys=CustomerKeys(storage, gate, ledger, access_log, base.vault),
        denials=DenialLog(storage, gate, access_log),
        archive=Archive(
            storage, gate, access_log, ledger, base.press, host=settings.host, vault=base.vault, named=named
        ),
        audit_invitations=AuditInvitations(
            storage, gate, ledger, access_log, sessions, base_url=settings.base_url
        ),
        audits_in_force=AuditsInForce(storage, gate, access_log),
    )


def _oidc(
    settings: Settings, storage: Storage, sessions: Sessions, gate: Gate, ledger: Ledger
) -> OidcSignIn | None:
    """Sign-in by the provider, where one is set up; half of its settings is a mistake, not a choice."""
    given = {
        "OIDC_ISSUER": settings.oidc_issuer,
        "OIDC_CLIENT_ID": settings.oidc_client_id,
        "OIDC_CLIENT_SECRET": settings.oidc_client_secret,
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        raise InvalidInput(f"sign-in by OpenID Connect also needs {', '.join(missing)}", field=missing[0])
    return connect_oidc(
        storage,
        sessions,
        gate,
        ledger,
        issuer=settings.oidc_issuer or "",
        client_id=settings.oidc_client_id or "",
        client_secret=settings.oidc_client_secret or "",
        base_url=settings.base_url,
    )
