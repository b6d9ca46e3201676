"""Cost: metering, detection, explanation, remediation, budgets."""

from __future__ import annotations

from dataclasses import dataclass

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
from trust_portal.evidence.keyring import Keyring
from trust_portal.house.access import AccessRoom
from trust_portal.house.facts import FactsRoom
from trust_portal.house.foundation import Foundation
from trust_portal.notify.standard_webhooks import Ed25519Private, HmacSecret, WebhookSigner
from trust_portal.settings import Settings


@dataclass(frozen=True)
class CostRoom:
    metering: Metering
    rebuilding: Rebuilding
    focus: FocusImport
    closing: Closing
    anomalies: Anomalies
    suppressions: Suppressions
    thresholds: ThresholdKeeper
    threshold_changes: ThresholdChanges
    backtests: Backtests
    detector_backtests: BackTesting
    detector_flags: DetectorFlags
    detector_reports: DetectorReports
    explanations: Explanations
    spending: SpendingReader
    budgets: Budgets
    budget_alerts: BudgetAlerts
    cost_kpis: Kpis
    control: ControlClient
    kill_switches: KillSwitches
    remediation: Remediation
    playbook_runs: RunReader


def cost_room(base: Foundation, access: AccessRoom, facts: FactsRoom) -> CostRoom:
    settings = base.settings
    storage, gate, ledger, access_log = base.storage, base.gate, base.ledger, base.access_log
    metering = Metering(storage, gate, access_log, labels=settings.cost_labels)
    thresholds = ThresholdKeeper(storage, gate, ledger, access_log)
    backtests = Backtests(storage, gate, access_log)
    explanations = Explanations(storage, gate=gate, ledger=ledger, access_log=access_log)
    playbooks = load_playbooks(settings.playbooks)
    kill_switches = KillSwitches(storage, gate, ledger, access_log, playbooks)
    control = ControlClient(settings.control_url, _signers(settings, base.keyring), base.clock)
    equipment = Equipment(storage, gate, ledger, access.approvals, playbooks, control, kill_switches)
    return CostRoom(
        metering=metering,
        rebuilding=Rebuilding(storage, gate, ledger, metering),
        focus=FocusImport(storage, facts.intake, mapping=settings.focus_mapping),
        closing=Closing(storage, ledger, grace=settings.cost_grace),
        anomalies=Anomalies(storage, gate, ledger, access_log),
        suppressions=Suppressions(storage, gate, ledger, access_log),
        thresholds=thresholds,
        threshold_changes=ThresholdChanges(storage, gate, access.approvals, backtests, thresholds),
        backtests=backtests,
        detector_backtests=BackTesting(storage, gate, ledger, access_log),
        detector_flags=DetectorFlags(storage, gate, ledger, access_log),
        detector_reports=DetectorReports(storage, gate, access_log),
        explanations=explanations,
        spending=SpendingReader(storage, gate, access_log),
        budgets=Budgets(storage, gate, ledger, access_log),
        budget_alerts=BudgetAlerts(storage, ledger),
        cost_kpis=Kpis(storage, gate, access_log),
        control=control,
        kill_switches=kill_switches,
        remediation=Remediation(equipment, explanations),
        playbook_runs=RunReader(equipment, access_log),
    )


def _signers(settings: Settings, keyring: Keyring) -> tuple[WebhookSigner, ...]:
    """Ed25519 always, so that receivers need no secret; and with the secret where one is shared."""
    secret = settings.control_secret
    key = Ed25519Private(keyring.webhooks.seed)
    return (key,) if secret is None else (key, HmacSecret.parse(secret))
