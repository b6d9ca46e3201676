"""The composition root: settings → engine → services, once per process.

Every door (portal, GraphQL, jobs, commands) is handed one ``House`` and reaches nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import RedisError

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.approvals.deciding import Decisions
from trust_portal.access.approvals.patterns import ApprovalPatterns
from trust_portal.access.approvals.reading import ApprovalInbox
from trust_portal.access.approvals.reminding import Reminders
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.archive import Archive
from trust_portal.access.audits.service import AuditInvitations
from trust_portal.access.break_glass.reviewing import GlassReviews
from trust_portal.access.break_glass.service import BreakGlass
from trust_portal.access.customer_keys.service import CustomerKeys
from trust_portal.access.denial_log import DenialLog
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.key_rotation.service import KeyRotations
from trust_portal.access.notifications.delivery_log import DeliveryLog
from trust_portal.access.notifications.endpoints import Endpoints
from trust_portal.access.notifications.inbox import Inbox
from trust_portal.access.passkeys.relying_party import relying_party
from trust_portal.access.passkeys.revoking import Revocations
from trust_portal.access.passkeys.service import Passkeys
from trust_portal.access.passkeys.signing import Signatures
from trust_portal.access.people.address_book import PeopleAddressBook
from trust_portal.access.people.service import People
from trust_portal.access.policy import shipped_policies
from trust_portal.access.policy_change.service import PolicyChanges
from trust_portal.access.policy_register import PolicyRegister
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.sign_in.links import SignInLinks
from trust_portal.access.sign_in.oidc_sign_in import OidcSignIn, connect_oidc
from trust_portal.access.sign_in.personas import Personas
from trust_portal.access.tenants.service import Tenants
from trust_portal.access.tokens.service import Tokens
from trust_portal.cost.anomalies.backtest import Backtests
from trust_portal.cost.anomalies.closing import Closing
from trust_portal.cost.anomalies.service import Anomalies
from trust_portal.cost.anomalies.suppressions import Suppressions
from trust_portal.cost.anomalies.thresholds import ThresholdKeeper
from trust_portal.cost.anomalies.thresholds_asking import ThresholdChanges
from trust_portal.cost.budgets.alerting import BudgetAlerts
from trust_portal.cost.budgets.service import Budgets
from trust_portal.cost.explanation.service import Explanations
from trust_portal.cost.explanation.spending import SpendingReader
from trust_portal.cost.kpis.service import Kpis
from trust_portal.cost.metering.focus import FocusImport
from trust_portal.cost.metering.rebuilding import Rebuilding
from trust_portal.cost.metering.service import Metering
from trust_portal.cost.remediation.control_client import ControlClient
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.cost.remediation.reading import RunReader
from trust_portal.cost.remediation.service import Remediation
from trust_portal.cost.remediation.switches import KillSwitches
from trust_portal.cost.trials.backtesting import BackTesting
from trust_portal.cost.trials.reading import DetectorReports
from trust_portal.cost.trials.service import DetectorFlags
from trust_portal.documents.press import Press
from trust_portal.errors import InvalidInput, Unavailable
from trust_portal.evidence.audit import Auditor
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.key_register import keys_in_force, register_keys
from trust_portal.evidence.keyring import Keyring, load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.key_service import open_key_service
from trust_portal.evidence.sealing.sealing import Sealing
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.facts.intake import Intake
from trust_portal.facts.operations_service import Operations
from trust_portal.kernel.clock import Clock, SystemClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.clocks import ActionClocks
from trust_portal.learning.actions.feeds import CalendarFeeds
from trust_portal.learning.actions.reminding import ActionReminders
from trust_portal.learning.actions.service import PreventionActions
from trust_portal.learning.incidents.customers import CustomerIncidents
from trust_portal.learning.incidents.downgrading import Downgrades
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.integrating import Integrations
from trust_portal.learning.incidents.pager_secrets import PagerSecrets
from trust_portal.learning.incidents.receiving import AlarmDesk
from trust_portal.learning.incidents.service import Incidents
from trust_portal.learning.postmortems.attesting import PostmortemAuditor
from trust_portal.learning.postmortems.copy_renderer import PostmortemCopyRenderer
from trust_portal.learning.postmortems.copying import PostmortemCopies
from trust_portal.learning.postmortems.model import COPY_KIND as POSTMORTEM_COPY
from trust_portal.learning.postmortems.model import KIND as POSTMORTEM
from trust_portal.learning.postmortems.reading import PostmortemReader
from trust_portal.learning.postmortems.releasing import PostmortemReleases
from trust_portal.learning.postmortems.renderer import PostmortemRenderer
from trust_portal.learning.postmortems.signing import PostmortemSigning
from trust_portal.learning.postmortems.writing import PostmortemWriting
from trust_portal.learning.switchboard.service import Switchboard
from trust_portal.learning.workplaces.service import Workplaces
from trust_portal.notify.delivering import Courier
from trust_portal.notify.dispatching import Dispatcher
from trust_portal.notify.mail.carrier import MailCarrier
from trust_portal.notify.mail.setup import mail_of
from trust_portal.notify.model import Channel
from trust_portal.notify.standard_webhooks import Ed25519Private, HmacSecret, WebhookSigner
from trust_portal.notify.webhooks.carrier import WebhookCarrier
from trust_portal.notify.webhooks.destination import networks_of
from trust_portal.notify.webhooks.post import Sender
from trust_portal.notify.webhooks.secrets import EndpointSecrets
from trust_portal.reliability.contracts.service import Contracts
from trust_portal.reliability.credits.attesting import CreditAuditor
from trust_portal.reliability.credits.deciding import CreditDecisions
from trust_portal.reliability.credits.issuing import CreditIssues
from trust_portal.reliability.credits.model import KIND as CREDIT_MEMO
from trust_portal.reliability.credits.proposing import Proposals
from trust_portal.reliability.credits.renderer import CreditMemoRenderer
from trust_portal.reliability.credits.service import Credits
from trust_portal.reliability.crosscheck.credentials import Admission
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.crosscheck.service import CrossChecks
from trust_portal.reliability.exclusions.service import Exclusions
from trust_portal.reliability.forecast.service import Forecasts
from trust_portal.reliability.objectives.service import Objectives
from trust_portal.reliability.reports.attesting import SlaReportAuditor
from trust_portal.reliability.reports.bundles import Bundles
from trust_portal.reliability.reports.model import KIND as SLA_REPORT
from trust_portal.reliability.reports.renderer import SlaReportRenderer
from trust_portal.reliability.reports.service import Reports
from trust_portal.reliability.reports.staff import Overview
from trust_portal.reliability.reports.what_if import WhatIfs
from trust_portal.reliability.runs.service import Runs
from trust_portal.runtime.story_clock import StoryClock
from trust_portal.settings import Settings
from trust_portal.storage.engine import create_engine
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.accounts.service import Accounts
from trust_portal.trust.batches.service import TrustBatches
from trust_portal.trust.compliance.audits.service import ReceiptAudits
from trust_portal.trust.compliance.catalogue import shipped_catalogue
from trust_portal.trust.compliance.imports.service import AssessmentImports
from trust_portal.trust.compliance.model import KIND as COMPLIANCE
from trust_portal.trust.compliance.renderer import ComplianceRenderer
from trust_portal.trust.compliance.reviews.service import AccessReviews
from trust_portal.trust.compliance.service import Compliance
from trust_portal.trust.notes.service import TrustNotes
from trust_portal.trust.posture.residency import Places
from trust_portal.trust.posture.service import Posture
from trust_portal.trust.qbr.attesting import QbrAuditor
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.qbr.reading import QbrReader
from trust_portal.trust.qbr.renderer import QbrRenderer
from trust_portal.trust.qbr.service import Qbrs
from trust_portal.trust.report.attesting import TrustReportAuditor
from trust_portal.trust.report.model import KIND as TRUST_REPORT
from trust_portal.trust.report.renderer import TrustReportRenderer
from trust_portal.trust.report.service import TrustReports


@dataclass(frozen=True, slots=True)
class House:
    """The services of one process, wired. ``close`` ends what they hold open."""

    settings: Settings
    clock: Clock
    storage: Storage
    keyring: Keyring
    ledger: Ledger
    gate: Gate
    access_log: AccessLog
    access_reviews: AccessReviews
    denials: DenialLog
    policies: PolicyRegister
    policy_changes: PolicyChanges
    tenants: Tenants
    people: People
    sessions: Sessions
    sign_in_links: SignInLinks
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
    key_rotations: KeyRotations
    archive: Archive
    audit_invitations: AuditInvitations
    intake: Intake
    operations: Operations
    posture: Posture
    vault: Vault
    sealing: Sealing
    customer_keys: CustomerKeys
    incident_following: Following
    postmortem_copies: PostmortemCopies
    postmortem_reader: PostmortemReader
    postmortem_releases: PostmortemReleases
    postmortem_signing: PostmortemSigning
    postmortem_writing: PostmortemWriting
    prevention_actions: PreventionActions
    action_clocks: ActionClocks
    action_reminders: ActionReminders
    calendar_feeds: CalendarFeeds
    workplaces: Workplaces
    incidents: Incidents
    customer_incidents: CustomerIncidents
    incident_integrations: Integrations
    alarms: AlarmDesk
    downgrades: Downgrades
    switchboard: Switchboard
    exports: Exports
    assessment_imports: AssessmentImports
    compliance: Compliance
    contracts: Contracts
    objectives: Objectives
    cross_checks: CrossChecks
    exclusions: Exclusions
    prometheus: Prometheus
    reports: Reports
    bundles: Bundles
    credits: Credits
    credit_proposals: Proposals
    credit_decisions: CreditDecisions
    credit_issues: CreditIssues
    forecasts: Forecasts
    runs: Runs
    overview: Overview
    what_ifs: WhatIfs
    metering: Metering
    rebuilding: Rebuilding
    receipt_audits: ReceiptAudits
    closing: Closing
    anomalies: Anomalies
    explanations: Explanations
    thresholds: ThresholdKeeper
    threshold_changes: ThresholdChanges
    backtests: Backtests
    suppressions: Suppressions
    budgets: Budgets
    budget_alerts: BudgetAlerts
    focus: FocusImport
    spending: SpendingReader
    cost_kpis: Kpis
    detector_backtests: BackTesting
    detector_flags: DetectorFlags
    detector_reports: DetectorReports
    dispatcher: Dispatcher
    courier: Courier
    control: ControlClient
    kill_switches: KillSwitches
    remediation: Remediation
    playbook_runs: RunReader
    delivery_log: DeliveryLog
    endpoints: Endpoints
    inbox: Inbox
    trust_reports: TrustReports
    trust_batches: TrustBatches
    accounts: Accounts
    qbrs: Qbrs
    qbr_reader: QbrReader
    trust_notes: TrustNotes

    @property
    def auditors(self) -> tuple[Auditor, ...]:
        """Who compares stored documents with their receipts, for ``trust-portal audit``."""
        return _AUDITORS

    @property
    def readiness(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What must answer before this process can serve; each raises ``Unavailable`` if it does not."""
        return {"database": self.storage.ping, "queue": self._ping_queue, "keys": self._know_keys}

    async def open(self) -> None:
        """What a process that serves or works does first: keys, then policies, are put on record.

        In this order, so that nothing is ever signed by a key the database does not know. Raises
        ``InvalidInput`` (field ``KEY_FILE``) where it knows other keys than the file holds.
        """
        await register_keys(self.storage, self.keyring)
        await self.policies.install()

    async def close(self) -> None:
        if self.oidc is not None:
            await self.oidc.close()
        await self.control.close()
        await self.prometheus.close()
        await self.ledger.close()
        await self.storage.close()

    async def _know_keys(self) -> None:
        async with self.storage.read(TenantScope(VENDOR_ID)) as session:
            known = await keys_in_force(session)
        try:
            self.keyring.follow(known)
        except InvalidInput as error:
            raise Unavailable(error.message) from error
        if not known:
            raise Unavailable("the signing keys are not on record yet")

    async def _ping_queue(self) -> None:
        client = redis.asyncio.from_url(  # type: ignore[no-untyped-call]
            self.settings.redis_url, socket_timeout=2, socket_connect_timeout=2
        )
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            raise Unavailable("the queue server does not answer") from error
        finally:
            await client.aclose()


#: Who compares stored documents with the receipts they were issued by.
_AUDITORS: tuple[Auditor, ...] = (
    SlaReportAuditor(),
    CreditAuditor(),
    PostmortemAuditor(),
    TrustReportAuditor(),
    QbrAuditor(),
)


def _clock(settings: Settings) -> Clock:
    return SystemClock() if settings.story_clock is None else StoryClock(settings.story_clock)


def _storage(settings: Settings, clock: Clock) -> Storage:
    engine = create_engine(settings.database_url)
    if settings.coordinator_url is None:
        return Storage(engine, clock)
    # The sequencer's seat, the registration of keys, one listener, and a control call for each job.
    coordinator = create_engine(settings.coordinator_url, pool_size=10, application_name="trust-portal seat")
    return Storage(engine, clock, coordinator=coordinator)


def build_house(settings: Settings, clock: Clock | None = None) -> House:
    """Wire the services. Opens no connection; makes the key file on a first start."""
    clock = clock or _clock(settings)
    storage = _storage(settings, clock)
    keyring = load_or_create_keyring(settings.key_file, clock)
    ledger = Ledger(storage, keyring)
    gate = Gate(shipped_policies(), Denials(storage))
    access_log = AccessLog(storage, gate)
    tenants = Tenants(storage, gate, ledger, access_log)
    people = People(storage, gate, ledger, access_log)
    sessions = Sessions(
        storage, gate, access_log, idle=settings.session_idle, absolute=settings.session_absolute
    )
    press = Press()
    vault = Vault(open_key_service(settings.key_service_url))
    exports = Exports(
        storage,
        ledger,
        {
            COMPLIANCE: ComplianceRenderer(),
            CREDIT_MEMO: CreditMemoRenderer(press),
            POSTMORTEM: PostmortemRenderer(press),
            POSTMORTEM_COPY: PostmortemCopyRenderer(press),
            QBR: QbrRenderer(press),
            SLA_REPORT: SlaReportRenderer(press),
            TRUST_REPORT: TrustReportRenderer(press),
        },
        host=settings.host,
        vendor=settings.vendor_name,
        vault=vault,
    )
    objectives = Objectives(storage, gate, ledger, tenants, access_log)
    policies = PolicyRegister(storage, gate, ledger)
    approvals = Approvals(storage, gate, ledger)
    signatures = Signatures(storage, ledger)
    decisions = Decisions(storage, gate, ledger, approvals, signatures)
    thresholds = ThresholdKeeper(storage, gate, ledger, access_log)
    backtests = Backtests(storage, gate, access_log)
    glass_reviews = GlassReviews(storage, ledger, approvals)
    intake = Intake(storage, gate, clock, events_per_minute=settings.ingest_events_per_minute)
    mail, address_book = mail_of(settings), PeopleAddressBook()
    sender = Sender(networks_of(settings.webhook_networks))
    endpoint_secrets = EndpointSecrets(keyring.webhooks.seed)
    prometheus = Prometheus(clock, Admission(settings.cross_check_hosts, settings.cross_check_credentials))
    reports = Reports(
        storage,
        gate=gate,
        ledger=ledger,
        exports=exports,
        access_log=access_log,
        prometheus=prometheus,
        vendor_name=settings.vendor_name,
    )
    explanations = Explanations(storage, gate=gate, ledger=ledger, access_log=access_log)
    playbooks = load_playbooks(settings.playbooks)
    kill_switches = KillSwitches(storage, gate, ledger, access_log, playbooks)
    control = ControlClient(settings.control_url, _signers(settings, keyring), clock)
    equipment = Equipment(storage, gate, ledger, approvals, playbooks, control, kill_switches)
    following = Following(storage, ledger)
    pager_secrets = PagerSecrets(keyring.webhooks.seed)
    incidents = Incidents(storage, gate, ledger, access_log, following)
    trust_reports = TrustReports(
        storage,
        gate=gate,
        ledger=ledger,
        exports=exports,
        access_log=access_log,
        vendor_name=settings.vendor_name,
    )
    metering = Metering(storage, gate, access_log, labels=settings.cost_labels)
    receipt_audits = ReceiptAudits(storage, gate, ledger, _AUDITORS)
    return House(
        settings=settings,
        clock=clock,
        storage=storage,
        keyring=keyring,
        ledger=ledger,
        gate=gate,
        access_log=access_log,
        denials=DenialLog(storage, gate, access_log),
        policies=policies,
        policy_changes=PolicyChanges(storage, gate, ledger, approvals, policies),
        tenants=tenants,
        people=people,
        sessions=sessions,
        sign_in_links=SignInLinks(storage, gate, ledger, sessions, base_url=settings.base_url),
        personas=Personas(storage, people, sessions, enabled=settings.demo),
        oidc=_oidc(settings, storage, sessions),
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
        decisions=decisions,
        approval_reminders=Reminders(storage, approvals),
        approval_inbox=ApprovalInbox(storage, gate, access_log, approvals),
        approval_patterns=ApprovalPatterns(storage, gate),
        break_glass=BreakGlass(storage, gate, ledger, access_log, approvals, glass_reviews),
        glass_reviews=glass_reviews,
        key_rotations=KeyRotations(storage, gate, ledger, approvals, keyring),
        archive=Archive(storage, gate, access_log, ledger, press, host=settings.host, vault=vault),
        audit_invitations=AuditInvitations(
            storage, gate, ledger, access_log, sessions, base_url=settings.base_url
        ),
        intake=intake,
        operations=Operations(storage, gate, access_log),
        posture=Posture(
            storage,
            gate,
            ledger,
            access_log,
            Places(database=settings.database_location, backups=settings.backup_location),
            vault,
        ),
        vault=vault,
        sealing=Sealing(storage, ledger, vault),
        customer_keys=CustomerKeys(storage, gate, ledger, access_log, vault),
        postmortem_copies=PostmortemCopies(storage, gate, ledger, exports, access_log),
        postmortem_releases=PostmortemReleases(storage, gate, ledger),
        postmortem_reader=PostmortemReader(storage, gate, access_log, vendor_name=settings.vendor_name),
        postmortem_signing=PostmortemSigning(storage, gate, ledger, exports, signatures),
        postmortem_writing=PostmortemWriting(storage, gate, ledger, vendor_name=settings.vendor_name),
        prevention_actions=PreventionActions(storage, gate, ledger),
        action_clocks=ActionClocks(storage, ledger),
        action_reminders=ActionReminders(storage),
        calendar_feeds=CalendarFeeds(storage, gate, ledger, settings.base_url),
        workplaces=Workplaces(storage, gate, ledger),
        incident_following=following,
        incidents=incidents,
        customer_incidents=CustomerIncidents(storage, gate, access_log),
        incident_integrations=Integrations(storage, gate, ledger, pager_secrets),
        alarms=AlarmDesk(storage, following, pager_secrets),
        downgrades=Downgrades(storage, gate, ledger, approvals, incidents, following),
        switchboard=Switchboard(storage, gate, ledger),
        exports=exports,
        compliance=Compliance(
            storage,
            gate=gate,
            ledger=ledger,
            access_log=access_log,
            audits=receipt_audits,
            catalogue=shipped_catalogue(),
            exports=exports,
        ),
        access_reviews=AccessReviews(
            storage, gate, ledger, access_log, within=shipped_catalogue().control("access-review").within
        ),
        assessment_imports=AssessmentImports(storage, gate, ledger),
        contracts=Contracts(
            storage, gate=gate, ledger=ledger, tenants=tenants, objectives=objectives, access_log=access_log
        ),
        objectives=objectives,
        cross_checks=CrossChecks(
            storage,
            gate=gate,
            ledger=ledger,
            tenants=tenants,
            objectives=objectives,
            access_log=access_log,
            prometheus=prometheus,
        ),
        exclusions=Exclusions(
            storage,
            gate=gate,
            ledger=ledger,
            approvals=approvals,
            objectives=objectives,
            access_log=access_log,
        ),
        prometheus=prometheus,
        reports=reports,
        bundles=Bundles(storage, gate, exports),
        credits=Credits(storage, gate, access_log, exports),
        credit_proposals=Proposals(storage, gate, ledger, approvals),
        credit_decisions=CreditDecisions(storage, gate, ledger, approvals, decisions),
        credit_issues=CreditIssues(storage, gate, ledger, approvals, exports),
        forecasts=Forecasts(storage, gate, ledger, access_log),
        runs=Runs(
            storage,
            gate=gate,
            ledger=ledger,
            tenants=tenants,
            reports=reports,
            access_log=access_log,
            grace=settings.sla_grace,
        ),
        overview=Overview(storage, gate, access_log),
        what_ifs=WhatIfs(storage, gate, access_log),
        metering=metering,
        receipt_audits=receipt_audits,
        rebuilding=Rebuilding(storage, gate, ledger, metering),
        closing=Closing(storage, ledger, grace=settings.cost_grace),
        anomalies=Anomalies(storage, gate, ledger, access_log),
        explanations=explanations,
        thresholds=thresholds,
        threshold_changes=ThresholdChanges(storage, gate, approvals, backtests, thresholds),
        backtests=backtests,
        suppressions=Suppressions(storage, gate, ledger, access_log),
        budgets=Budgets(storage, gate, ledger, access_log),
        budget_alerts=BudgetAlerts(storage, ledger),
        detector_backtests=BackTesting(storage, gate, ledger, access_log),
        detector_flags=DetectorFlags(storage, gate, ledger, access_log),
        detector_reports=DetectorReports(storage, gate, access_log),
        control=control,
        kill_switches=kill_switches,
        remediation=Remediation(equipment, explanations),
        playbook_runs=RunReader(equipment, access_log),
        cost_kpis=Kpis(storage, gate, access_log),
        spending=SpendingReader(storage, gate, access_log),
        focus=FocusImport(storage, intake, mapping=settings.focus_mapping),
        dispatcher=Dispatcher(storage, address_book, mails=mail is not None),
        courier=Courier(
            storage,
            address_book,
            {
                Channel.MAIL: MailCarrier(address_book, mail),
                Channel.WEBHOOK: WebhookCarrier(address_book, endpoint_secrets, sender, settings.base_url),
            },
        ),
        delivery_log=DeliveryLog(storage, gate, ledger, access_log),
        endpoints=Endpoints(storage, gate, ledger, access_log, endpoint_secrets, sender.networks),
        inbox=Inbox(storage, gate),
        trust_reports=trust_reports,
        accounts=Accounts(storage, gate, ledger, access_log),
        qbrs=Qbrs(storage, gate=gate, ledger=ledger, exports=exports, vendor_name=settings.vendor_name),
        qbr_reader=QbrReader(storage, gate, access_log),
        trust_notes=TrustNotes(storage, gate, ledger),
        trust_batches=TrustBatches(
            storage,
            gate=gate,
            ledger=ledger,
            tenants=tenants,
            reports=trust_reports,
            access_log=access_log,
        ),
    )


def _signers(settings: Settings, keyring: Keyring) -> tuple[WebhookSigner, ...]:
    """Ed25519 always, so that receivers need no secret; and with the secret where one is shared."""
    secret = settings.control_secret
    key = Ed25519Private(keyring.webhooks.seed)
    return (key,) if secret is None else (key, HmacSecret.parse(secret))


def _oidc(settings: Settings, storage: Storage, sessions: Sessions) -> OidcSignIn | None:
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
        issuer=settings.oidc_issuer or "",
        client_id=settings.oidc_client_id or "",
        client_secret=settings.oidc_client_secret or "",
        base_url=settings.base_url,
    )


@asynccontextmanager
async def open_house(settings: Settings, clock: Clock | None = None) -> AsyncIterator[House]:
    """``build_house`` for as long as the block lasts."""
    house = build_house(settings, clock)
    try:
        yield house
    finally:
        await house.close()
