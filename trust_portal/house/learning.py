"""Learning: incidents, postmortems, prevention actions, the Switchboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.access.archive import Named
from trust_portal.documents.press import Press
from trust_portal.evidence.audit import Auditor
from trust_portal.evidence.export import Renderer
from trust_portal.house.access import AccessRoom
from trust_portal.house.foundation import Foundation
from trust_portal.learning.actions.clocks import ActionClocks
from trust_portal.learning.actions.feeds import CalendarFeeds
from trust_portal.learning.actions.reading import PreventionReader
from trust_portal.learning.actions.reminding import ActionReminders
from trust_portal.learning.actions.service import PreventionActions
from trust_portal.learning.incidents.assigning import GapAssigning
from trust_portal.learning.incidents.customers import CustomerIncidents
from trust_portal.learning.incidents.downgrading import Downgrades
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.integrating import Integrations
from trust_portal.learning.incidents.lowering import Lowering
from trust_portal.learning.incidents.pager_secrets import PagerSecrets
from trust_portal.learning.incidents.receiving import AlarmDesk
from trust_portal.learning.incidents.retracting import Retractions
from trust_portal.learning.incidents.service import Incidents
from trust_portal.learning.postmortems.attesting import PostmortemAuditor
from trust_portal.learning.postmortems.copy_renderer import PostmortemCopyRenderer
from trust_portal.learning.postmortems.copying import PostmortemCopies
from trust_portal.learning.postmortems.model import COPY_KIND as POSTMORTEM_COPY
from trust_portal.learning.postmortems.model import KIND as POSTMORTEM
from trust_portal.learning.postmortems.reading import PostmortemReader, customers_named
from trust_portal.learning.postmortems.releasing import PostmortemReleases
from trust_portal.learning.postmortems.renderer import PostmortemRenderer
from trust_portal.learning.postmortems.renewing import PostmortemBundles
from trust_portal.learning.postmortems.signing import PostmortemSigning
from trust_portal.learning.postmortems.writing import PostmortemWriting
from trust_portal.learning.switchboard.service import Switchboard
from trust_portal.learning.workplaces.service import Workplaces

AUDITORS: Final[tuple[Auditor, ...]] = (PostmortemAuditor(),)
#: Whom the vendor's own documents tell of, by kind.
NAMED: Final[Mapping[str, Named]] = {POSTMORTEM: customers_named}


def renderers(press: Press) -> Mapping[str, Renderer]:
    return {POSTMORTEM: PostmortemRenderer(press), POSTMORTEM_COPY: PostmortemCopyRenderer(press)}


@dataclass(frozen=True)
class LearningRoom:
    incidents: Incidents
    incident_following: Following
    incident_gaps: GapAssigning
    incident_integrations: Integrations
    alarms: AlarmDesk
    downgrades: Downgrades
    retractions: Retractions
    lowering: Lowering
    customer_incidents: CustomerIncidents
    postmortem_writing: PostmortemWriting
    postmortem_signing: PostmortemSigning
    postmortem_bundles: PostmortemBundles
    postmortem_reader: PostmortemReader
    postmortem_releases: PostmortemReleases
    postmortem_copies: PostmortemCopies
    prevention_actions: PreventionActions
    prevention_reader: PreventionReader
    action_clocks: ActionClocks
    action_reminders: ActionReminders
    calendar_feeds: CalendarFeeds
    workplaces: Workplaces
    switchboard: Switchboard


def learning_room(base: Foundation, access: AccessRoom) -> LearningRoom:
    exports, vendor_name = base.exports, base.settings.vendor_name
    storage, gate, ledger, access_log = base.storage, base.gate, base.ledger, base.access_log
    following = Following(storage, ledger)
    pager_secrets = PagerSecrets(base.keyring.webhooks.seed)
    prevention_reader = PreventionReader(storage, gate)
    incidents = Incidents(storage, gate, ledger, access_log, following)
    downgrades = Downgrades(storage, gate, ledger, access.approvals, incidents, following)
    retractions = Retractions(storage, gate, ledger, access.approvals, incidents, following)
    return LearningRoom(
        incidents=incidents,
        incident_following=following,
        incident_gaps=GapAssigning(storage, gate, ledger, incidents, following),
        incident_integrations=Integrations(storage, gate, ledger, pager_secrets),
        alarms=AlarmDesk(storage, following, pager_secrets),
        downgrades=downgrades,
        retractions=retractions,
        lowering=Lowering(incidents, downgrades, retractions),
        customer_incidents=CustomerIncidents(storage, gate, access_log),
        postmortem_writing=PostmortemWriting(storage, gate, ledger, vendor_name=vendor_name),
        postmortem_signing=PostmortemSigning(storage, gate, ledger, exports, access.signatures),
        postmortem_bundles=PostmortemBundles(storage, gate, exports),
        postmortem_reader=PostmortemReader(storage, gate, access_log, vendor_name=vendor_name),
        postmortem_releases=PostmortemReleases(storage, gate, ledger, access_log),
        postmortem_copies=PostmortemCopies(storage, gate, ledger, exports, access_log),
        prevention_actions=PreventionActions(storage, gate, ledger, prevention_reader),
        prevention_reader=prevention_reader,
        action_clocks=ActionClocks(storage, ledger),
        action_reminders=ActionReminders(storage),
        calendar_feeds=CalendarFeeds(storage, gate, ledger, base.settings.base_url),
        workplaces=Workplaces(storage, gate, ledger),
        switchboard=Switchboard(storage, gate, ledger),
    )
