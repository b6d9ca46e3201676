"""How to check all this: the keys that sign, and how the tenant's log stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from trust_portal.evidence.key_register import KnownKey, known_keys
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.evidence.log_standing import LogStanding, log_standing
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import VERIFICATION
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, Table, Unit

TITLE: Final = "Verification"
SOURCE: Final = "the signing keys and the log of receipts"
#: How long a receipt may wait to be taken into the log.
MAX_AGE: Final = timedelta(hours=1)
_LOG: Final = "/receipts"

_SIGNING: Final = {KeyPurpose.RECEIPTS: "receipts", KeyPurpose.CHECKPOINTS: "checkpoints of the log"}
_KEY_COLUMNS: Final = (
    Column("signs", "Signs"),
    Column("fingerprint", "Fingerprint", Unit.DIGEST),
    Column("since", "Since", Unit.INSTANT),
    Column("state", "State"),
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """As of the moment up to which every receipt is in the log."""
    keys = [each for each in await known_keys(session) if each.purpose in _SIGNING]
    return verification_section(keys, await log_standing(session, ask.tenant.id), ask.now)


def verification_section(keys: Sequence[KnownKey], log: LogStanding | None, now: datetime) -> Section:
    """Pure."""
    as_of = None if log is None else log.pending_since or now
    state, why = freshness(as_of, MAX_AGE, now, missing="nothing of this customer is in the log yet")
    figures = () if log is None else _figures(log)
    return Section(
        id=VERIFICATION,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=(Sentence("The log holds {receipts} receipts under the checkpoint of {checkpoint}."),)
        if figures
        else (),
        figures=figures,
        tables=(
            Table("keys", "Trusted keys", _KEY_COLUMNS, tuple(map(_key, keys)), "No key is on record yet."),
        ),
    )


def _figures(log: LogStanding) -> tuple[Figure, ...]:
    at = rfc3339(log.at.replace(microsecond=0))
    return (
        Figure("receipts", "Receipts in the log", Cell(str(log.size), Unit.COUNT, href=_LOG)),
        Figure("checkpoint", "Checkpoint", Cell(at, Unit.INSTANT, href=_LOG)),
        Figure("root", "Root of the log", Cell(log.root, Unit.DIGEST)),
        Figure("origin", "Name of the log", Cell(log.origin)),
    )


def _key(each: KnownKey) -> Row:
    state = "in force" if not each.replaced else "replaced" if each.retired_at is None else "retired"
    return Row(
        each.key.key_id,
        (
            Cell(_SIGNING[each.purpose]),
            Cell(each.key.key_id, Unit.DIGEST),
            Cell(rfc3339(each.since.replace(microsecond=0)), Unit.INSTANT),
            Cell(state),
        ),
    )
