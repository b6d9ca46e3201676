"""What every room stands on: the store, the keys, the ledger, the gate, and exports with their renderers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import shipped_policies
from trust_portal.documents.press import Press
from trust_portal.evidence.export import Renderer
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.keyring import Keyring, load_or_create_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.key_services import open_key_service
from trust_portal.evidence.sealing.sealing import Sealing
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.kernel.clock import Clock, SystemClock
from trust_portal.runtime.story_clock import StoryClock
from trust_portal.settings import Settings
from trust_portal.storage.engine import create_engine
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True)
class Foundation:
    settings: Settings
    clock: Clock
    storage: Storage
    keyring: Keyring
    ledger: Ledger
    gate: Gate
    access_log: AccessLog
    press: Press
    vault: Vault
    sealing: Sealing
    exports: Exports


def lay_foundation(
    settings: Settings, clock: Clock | None, press: Press, renderers: Mapping[str, Renderer]
) -> Foundation:
    clock = clock or _clock(settings)
    storage = _storage(settings, clock)
    keyring = load_or_create_keyring(settings.key_file, clock)
    ledger = Ledger(storage, keyring)
    gate = Gate(shipped_policies(), Denials(storage))
    vault = Vault(open_key_service(settings.key_service_url))
    return Foundation(
        settings=settings,
        clock=clock,
        storage=storage,
        keyring=keyring,
        ledger=ledger,
        gate=gate,
        access_log=AccessLog(storage, gate),
        press=press,
        vault=vault,
        sealing=Sealing(storage, ledger, vault),
        exports=Exports(
            storage, ledger, renderers, host=settings.host, vendor=settings.vendor_name, vault=vault
        ),
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
