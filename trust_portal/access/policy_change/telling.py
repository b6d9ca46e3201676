"""That older policies decide again is told to whoever would notice that it is wrong."""

from __future__ import annotations

from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement
from trust_portal.notify.topics import Topic
from trust_portal.storage.unit_of_work import WriteSession


async def tell_returned(session: WriteSession, version: str, in_force: str) -> None:
    """To the roles of the topic; once a day for each version."""
    day = session.clock.now().date()
    await announce(
        session,
        Announcement(
            topic=Topic.POLICIES_RETURNED,
            key=f"policies/{version}/{day}",
            thread=f"policies/{version}",
            title=f"Superseded policies {version[:12]} decide again",
            text=f"A program started that brings the policies {version[:12]}, which {in_force[:12]} superseded. It was "
            "approved once and decides by them. Was that not meant, or were they withdrawn for a fault? Have them "
            "retired: trust-portal policies retire.",
            path=f"/policies?version={in_force}&against={version}",
            facts={"version": version, "superseded_by": in_force},
        ),
    )
