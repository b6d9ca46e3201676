"""Who is told of a QBR: of one that was issued the customer's people and systems; of a draft whoever looks after the account,
or every CSM where nobody does.
"""

from __future__ import annotations

from trust_portal.access.tenants.model import Tenant
from trust_portal.documents.formats import period
from trust_portal.kernel.actor import Role
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession
from trust_portal.trust.accounts.model import AccountSettings
from trust_portal.trust.qbr.model import Qbr


async def announce_issue(session: WriteSession, tenant: Tenant, qbr: Qbr) -> None:
    """In the transaction of the issue."""
    issue = qbr.issue
    if issue is None:
        raise ValueError("what was not issued is not announced")
    again = issue.revision > 1
    await announce(
        session,
        Announcement(
            topic=Topic.QBR_ISSUED,
            key=f"qbr/{qbr.id}",
            thread=f"qbr/{qbr.period}",
            title=f"Business review, {period(qbr.period)}{', again' if again else ''}",
            text=(
                "What was promised in the last review, how the period went, and what is recommended: as slides, "
                "on paper and as data, in one signed bundle that can be checked offline."
            ),
            path=f"/t/{tenant.key}/qbr/{qbr.id}",
            facts={"period": qbr.period, "revision": str(issue.revision), "sha256": issue.sha256},
            audience=Audience(RULES[Topic.QBR_ISSUED].roles),
        ),
    )


async def announce_prepared(
    session: WriteSession, tenant: Tenant, qbr: Qbr, settings: AccountSettings, *, again: bool
) -> None:
    """In the transaction of the clockwork's snapshot; ``again``: it was prepared before, and less stood in the way."""
    parts = "one of its sections is" if qbr.blocking == 1 else f"{qbr.blocking} of its sections are"
    stands = f"{parts} stale or missing" if qbr.blocking else "nothing stands in its way"
    text = (
        f"It was gathered anew, and by now {stands}."
        if again
        else f"Its data are gathered and locked; {stands}. Until somebody comments, leaves out or reviews anything in it, "
        "it is gathered anew every day."
    )
    word = "something is in its way" if again else "prepared"
    await announce(
        session, _draft(tenant, qbr, settings, word, text, "blocked" if qbr.blocking else "prepared")
    )


async def announce_old(session: WriteSession, tenant: Tenant, qbr: Qbr, settings: AccountSettings) -> None:
    """Of a draft that somebody works on: once for each."""
    text = (
        "What it states is older than it may be when it is issued, or rests on what was superseded since. Gather it anew from its page: comments and omissions "
        "stay, and so does every review of a recommendation whose figures are the same."
    )
    await announce(session, _draft(tenant, qbr, settings, "it has grown old", text, "stale"))


def _draft(
    tenant: Tenant, qbr: Qbr, settings: AccountSettings, word: str, text: str, state: str
) -> Announcement:
    facts = {"period": qbr.period, "state": state, "blocking": str(qbr.blocking)}
    if settings.review_on is not None:
        facts["review_on"] = settings.review_on.isoformat()
    people = frozenset() if settings.csm_id is None else frozenset({settings.csm_id})
    return Announcement(
        topic=Topic.QBR_DRAFT,
        key=f"qbr/{qbr.id}/{state}",
        thread=f"qbr-draft/{qbr.period}",
        title=f"Business review of {tenant.name}, {period(qbr.period)}: {word}",
        text=text,
        # Of the period, not of this snapshot: from the next day on that is an old one.
        path=f"/t/{tenant.key}/qbr/drafts/{qbr.period}",
        facts=facts,
        audience=Audience(people=people) if people else Audience(roles=frozenset({Role.CSM})),
    )
