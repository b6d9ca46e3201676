"""Business reviews: each QBR is prepared some days before its review, so that its CSM finds it there."""

from __future__ import annotations

import logging

from trust_portal.errors import Broken, Conflict
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.trust.accounts.readiness import is_due
from trust_portal.trust.qbr.model import Prepare

log = logging.getLogger(__name__)


async def mind_accounts(house: House) -> None:
    """One round. Safe beside others: of two that prepare the same one, one finds it prepared.

    What goes wrong with one customer's keeps no other from being prepared; the next round tries it again.
    """
    today = house.clock.now().date()
    for account in await house.accounts.list(SYSTEM):
        quarter = account.settings.quarter
        if quarter is None or not is_due(account, today):
            continue
        try:
            await house.qbrs.prepare(Prepare(account.tenant.id, quarter), SYSTEM)
        except Conflict:
            log.info("QBR of %s for %s is prepared already", account.tenant.key, quarter)
        except Broken:
            raise
        except Exception:
            log.exception("QBR of %s for %s could not be prepared", account.tenant.key, quarter)
