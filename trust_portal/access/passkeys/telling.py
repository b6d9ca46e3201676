"""That somebody can sign, or no longer can, is told to them and to whoever would notice that it is wrong."""

from __future__ import annotations

from trust_portal.access.passkeys.model import Passkey
from trust_portal.kernel.actor import Actor, Role
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import Topic
from trust_portal.storage.unit_of_work import WriteSession


async def tell_enrolled(session: WriteSession, passkey: Passkey, owner: Actor) -> None:
    await _tell(
        session,
        passkey,
        owner,
        title=f"A passkey was added for {owner.name}",
        text=f"“{passkey.name}” can sign approvals as {owner.name} from now on. Was that not you? Revoke it on your "
        "account’s page, and tell whoever administers the portal: somebody came in as you.",
        occasion="enrolled",
    )


async def tell_revoked(session: WriteSession, passkey: Passkey, owner: Actor) -> None:
    await _tell(
        session,
        passkey,
        owner,
        title=f"A passkey of {owner.name} was revoked",
        text=f"“{passkey.name}” signs nothing more. What it signed before stays signed.",
        occasion="revoked",
    )


async def _tell(
    session: WriteSession, passkey: Passkey, owner: Actor, *, title: str, text: str, occasion: str
) -> None:
    watching = Role.APPROVER_SECURITY if owner.is_staff else Role.CUSTOMER_ADMIN
    await announce(
        session,
        Announcement(
            topic=Topic.PASSKEY_CHANGED,
            key=f"passkey/{passkey.id}/{occasion}",
            thread=f"passkey/{passkey.id}",
            title=title,
            text=text,
            path="/account",
            facts={"passkey": str(passkey.id), "person": owner.name, "what": occasion},
            audience=Audience(roles=frozenset({watching}), people=frozenset({owner.id})),
        ),
    )
