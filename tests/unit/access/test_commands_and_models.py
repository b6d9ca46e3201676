"""What commands accept, and what sessions and tokens keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from trust_portal.access.action import TokenScope
from trust_portal.access.people.model import AddPerson, normalise_email
from trust_portal.access.sessions.model import Client
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Bounds, CreateToken
from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.web.views import people


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Vera@ACME.example ", "vera@acme.example"),
        ("ｖera@acme.example", "vera@acme.example"),
        ("o'hara+trust@acme.example", "o'hara+trust@acme.example"),
    ],
)
def test_an_address_has_one_spelling(text, email):
    assert normalise_email(text) == email


@pytest.mark.parametrize(
    "text",
    ["", "vera", "@acme", "vera@", "a@b@c", "a b@c.example", "a@c\n.example", "<a@c.d>", "a" * 65 + "@c"],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        normalise_email(text)

    assert refused.value.field == "email"


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing(text):
    try:
        once = normalise_email(text)
    except InvalidInput:
        return
    assert normalise_email(once) == once


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x00b"])
def test_a_name_is_printable(name):
    with pytest.raises(InvalidInput) as refused:
        AddPerson(new_id(), "a@b.example", name)

    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": " "}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"scopes": frozenset()}, "scopes"),
        ({"tenant_id": new_id()}, "scopes"),
        ({"bounds": Bounds()}, "sources"),
        ({"bounds": Bounds(("",))}, "sources"),
        ({"life": timedelta(0)}, "life"),
        ({"life": timedelta(days=367)}, "life"),
    ],
)
def test_a_token_that_cannot_be_is_refused_by_its_field(change, field):
    good = {
        "tenant_id": VENDOR_ID,
        "label": "probe",
        "scopes": frozenset({TokenScope.INGEST}),
        "bounds": Bounds(("//probe",)),
    }
    CreateToken(**good)
    with pytest.raises(InvalidInput) as refused:
        CreateToken(**{**good, **change})

    assert refused.value.field == field


def test_bounds_cover_exact_sources_and_prefixes_that_say_so():
    bounds = Bounds(("//probe/eu", "//agent/*"))

    assert [
        bounds.covers_source(s)
        for s in ("//probe/eu", "//probe/eu/1", "//agent/", "//agent/x", "//agent", "")
    ] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]
    assert not Bounds().covers_source("//probe/eu")


def test_bounds_cover_every_tenant_unless_they_name_some():
    here, there = new_id(), new_id()

    assert Bounds().covers_tenant(there)
    assert Bounds(tenants=frozenset({here})).covers_tenant(here)
    assert not Bounds(tenants=frozenset({here})).covers_tenant(there)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.0.2.77", "192.0.2.*"),
        ("2001:db8:1:2::3", "2001:db8:1:*"),
        ("", ""),
        ("unix", ""),
        ("192.0.2.*", "192.0.2.*"),
        ("2001:db8:1:*", "2001:db8:1:*"),
    ],
)
def test_a_session_keeps_the_network_and_not_the_person(address, kept):
    assert Client("x" * 500, address) == Client("x" * 120, kept)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200f", "\u0000", "\u001b", "\u2028", "\ufeff"])
def test_a_name_shows_every_character_it_has(hidden):
    with pytest.raises(InvalidInput) as refused:
        AddPerson(VENDOR_ID, "vera@acme.example", f"Vera{hidden}Blum")
    assert refused.value.field == "name"
    with pytest.raises(InvalidInput) as refused:
        CreateTenant("acme", f"Acme{hidden}Ltd")
    assert refused.value.field == "name"


@pytest.mark.parametrize("name", ["Zoë O'Hara-Łuk", "نرم\u200cافزار", "株式会社", "Acme 🚀"])
def test_names_of_all_scripts_are_names(name):
    assert AddPerson(VENDOR_ID, "vera@acme.example", name).name == name
    assert CreateTenant("acme", name).name == name


def test_a_role_ends_as_its_day_begins_and_never_without_one():
    assert people._until(FormData({"until": "2026-08-01"})) == datetime(2026, 8, 1, tzinfo=UTC)
    assert people._until(FormData({"until": ""})) is None


@pytest.mark.parametrize("text", ["2026-08-01T02:00:00+02:00", "1.8.2026", "2026-02-30"])
def test_what_is_no_day_ends_no_role(text):
    with pytest.raises(InvalidInput) as refused:
        people._until(FormData({"until": text}))
    assert refused.value.field == "until"
