"""What is refused for its text, its draft or its actions is refused before every customer is looked at."""

from __future__ import annotations

import pytest
from support.postmortem_desk import WRITTEN, Desk, desk_of

from trust_portal.errors import Refused
from trust_portal.learning.postmortems import writing
from trust_portal.learning.postmortems.model import SaveDraft, Submit, Written

pytestmark = pytest.mark.takes(seconds=8)


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


async def test_a_submission_that_is_refused_gathers_nothing_and_changes_nothing(desk, monkeypatch):
    postmortem, write = await desk.postmortem(), desk.house.postmortem_writing
    gathered = []

    async def assemble(*given, **more):
        gathered.append(given)
        raise AssertionError("all customers are looked at for a submission that is refused")

    async def refusal(revision: int) -> str:
        with pytest.raises(Refused) as refused:
            await write.submit(Submit(postmortem.id, revision), desk.writer)
        return refused.value.code

    with monkeypatch.context() as patched:
        patched.setattr(writing, "assemble", assemble)
        assert await refusal(1) == "POSTMORTEM_CHANGED"
        await write.save(SaveDraft(postmortem.id, 0, Written(summary="Exports ran away.")), desk.writer)
        assert await refusal(2) == "POSTMORTEM_CHANGED"
        assert await refusal(1) == "UNWRITTEN"
        await write.save(SaveDraft(postmortem.id, 1, WRITTEN), desk.writer)
        assert await refusal(2) == "ACTIONS_REQUIRED"
    assert (await desk.again(postmortem), gathered) == (postmortem, [])
    await desk.plan(postmortem)
    submitted = await write.submit(Submit(postmortem.id, 2), desk.writer)
    assert len(submitted.steps) == len(postmortem.steps) + 1
