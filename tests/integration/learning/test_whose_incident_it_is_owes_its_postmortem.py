"""Once an incident is somebody else's, so is its postmortem: who signs, who is charged, and whose list has it agree."""

from __future__ import annotations

import pytest
from support.learning_world import updated
from support.postmortem_desk import Desk, actor_of, desk_of

from trust_portal.errors import Denied
from trust_portal.kernel.actor import Role
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.acts_model import ChangeOwner
from trust_portal.learning.postmortems.asking import Asked
from trust_portal.learning.postmortems.filters import PostmortemFilter
from trust_portal.learning.postmortems.model import Person
from trust_portal.learning.switchboard.model import BoardFilter, Grouping

pytestmark = pytest.mark.takes(seconds=30)


async def charged(desk: Desk) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Who owes something by the board, with their key; whose line the ledger has; by whose filter it is found."""
    board = await desk.house.switchboard.board(desk.reviewer, BoardFilter())
    groups = [(each.key, each.name) for each in board.groups[Grouping.OWNER]]
    ledger, _ = await desk.house.switchboard.coverage(desk.reviewer)
    people = dict(groups) | {str(desk.owner.id): desk.owner.name}
    found = []
    for key, name in people.items():
        kept = (await desk.house.switchboard.board(desk.reviewer, BoardFilter(owner=key))).ledger
        narrowed, _ = await desk.house.switchboard.coverage(desk.reviewer, BoardFilter(owner=key))
        page = await desk.house.postmortem_reader.page(
            desk.reviewer, PageRequest(size=5), PostmortemFilter(owner=key)
        )
        count = await desk.house.postmortem_reader.count(desk.reviewer, PostmortemFilter(owner=key))
        assert len(kept.lines) == len(narrowed.lines) == len(page.items) == count, name
        assert kept.total == narrowed.total
        found += [name] * count
    return groups, [each.owner for each in ledger.lines], found


async def test_who_took_the_incident_over_owes_and_signs_its_postmortem_and_who_had_it_does_not(vendor):
    desk = await desk_of(vendor)
    postmortem = await desk.postmortem()
    ivo = str(desk.owner.id)
    assert await charged(desk) == ([(ivo, "Ivo Stern")], ["Ivo Stern"], ["Ivo Stern"])
    olga = actor_of(await vendor.person("Olga Rey", Role.INCIDENT_OWNER))
    handed = ChangeOwner(postmortem.incident_id, "Ivo is on leave", owner_id=olga.id)
    await desk.house.incidents.tell(handed, desk.owner)

    assert await charged(desk) == ([(str(olga.id), "Olga Rey")], ["Olga Rey"], ["Olga Rey"])
    opened = await desk.house.postmortem_reader.find(desk.reviewer, postmortem.id)
    assert opened.asked == Asked(Person(olga.id, "Olga Rey"))
    accepted = await desk.accepted(postmortem)
    with pytest.raises(Denied):
        await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    assert (await desk.again(postmortem)).versions == ()


async def test_where_nobody_known_here_took_it_over_any_incident_owner_signs_and_that_name_owes_it(vendor):
    desk = await desk_of(vendor)
    postmortem = await desk.postmortem()
    await vendor.tell(updated("INC-1", "owner", minute=70, owner="night shift"))
    await vendor.register()

    assert await charged(desk) == ([("night shift", "night shift")], ["night shift"], ["night shift"])
    opened = await desk.house.postmortem_reader.find(desk.reviewer, postmortem.id)
    assert opened.asked == Asked(None)
    signed = await desk.signed(postmortem)
    assert [each.signer.name for each in signed.versions] == ["Ivo Stern"]
