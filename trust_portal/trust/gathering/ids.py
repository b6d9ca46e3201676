"""Names that a document's verifier shares with whoever gathered it. No IO, so that verifying loads no server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SLA: Final = "sla"
INCIDENTS: Final = "incidents"
COST: Final = "cost"
CREDITS: Final = "credits"
COMPLIANCE: Final = "compliance"
POSTURE: Final = "posture"
NOTES: Final = "notes"
ACCESS: Final = "access"
VERIFICATION: Final = "verification"
CHANGES: Final = "changes"
#: Every section of a Trust Report, in order: what one says nothing of cannot be told from what was left out.
SECTIONS: Final = (
    SLA,
    INCIDENTS,
    COST,
    CREDITS,
    COMPLIANCE,
    POSTURE,
    NOTES,
    ACCESS,
    VERIFICATION,
    CHANGES,
)
#: By format, which is raised when a section is added: what was signed without it goes on being whole. From 5 on
#: Trust Reports and reviews have one number, as they have their rules: there was no 4 of a Trust Report.
SECTIONS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"1": SECTIONS, "2": SECTIONS, "3": SECTIONS, "5": SECTIONS}
)

#: Table of the SLA section: the signed reports behind it.
REPORTS: Final = "reports"
#: Its column where data received since give other figures for one of them: since when that is known.
OVERTAKEN: Final = "overtaken"
#: Table of the credits section: issued ones, each with its memo.
ISSUED: Final = "issued"
#: Table of the credits section: those that nobody has decided yet.
WAITING: Final = "open"
#: Table of the credits section: what signed reports earn and nobody has proposed.
DUE: Final = "due"
#: Table of the credits section: proposals that ended without money.
SETTLED: Final = "settled"
#: Table of the incidents section: each with the copy that the tenant was given.
POSTMORTEMS: Final = "postmortems"
#: Table of the incidents section: the incidents themselves.
MAJOR: Final = "major"
#: Table of the incidents section: how far the promised actions are.
PREVENTION: Final = "prevention"
#: Table of the incidents section: what is still owed of those that were over before the period.
EARLIER: Final = "earlier"
#: Figure of the incidents section: what was told of and is no incident of the register; none where there is nothing.
UNCLEAR: Final = "unclear"
#: Figure of the cost section: since when usage is metered, where that is within the period.
METERED_SINCE: Final = "metered-since"
#: Table of the cost section: what was found.
ANOMALIES: Final = "anomalies"
#: Table of the cost section: what was done.
PLAYBOOKS: Final = "playbooks"
#: Table of the cost section: what was planned and not done.
REFUSED: Final = "refused"
#: Table of the cost section, and of the savings in a QBR: what that saved.
SAVINGS: Final = "savings"
