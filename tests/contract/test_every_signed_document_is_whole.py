"""A kind of signed document is made, verified, recomputed, named and found: everywhere, or it is not there yet."""

from __future__ import annotations

from trust_portal.commands.verify import document_kinds, recomputers
from trust_portal.documents.press import process_press
from trust_portal.evidence.instructions import CALLED
from trust_portal.house import learning, reliability, trust
from trust_portal.learning.postmortems.model import KIND as POSTMORTEM
from trust_portal.trust.bundle_pages import PAGES

ROOMS = (reliability, learning, trust)
MADE = {kind for room in ROOMS for kind in room.renderers(process_press())}
#: Of the vendor alone: it names customers, who have copies.
OF_THE_VENDOR = {POSTMORTEM}


def test_what_is_made_is_verified_and_recomputed_by_whoever_has_it() -> None:
    assert set(document_kinds()) == MADE
    assert set(recomputers()) == MADE


def test_its_instructions_say_in_words_what_it_is() -> None:
    assert set(CALLED) == MADE


def test_a_bundle_that_a_customer_has_leads_to_its_page() -> None:
    assert set(PAGES) == MADE - OF_THE_VENDOR
