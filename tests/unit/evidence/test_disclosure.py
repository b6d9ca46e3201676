"""Selective disclosure as RFC 9901 defines it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.evidence.disclosure import Disclosure, conceal, new_salt, reveal
from trust_portal.evidence.strict import Malformed, encode_base64url

OPEN = {"amount": "10.00", "owner": "Ada", "note": {"a": ["x"]}}


def salts():
    return iter(f"salt{n}" for n in range(99)).__next__


def test_the_digest_of_rfc_9901_section_4_2_3() -> None:
    disclosure = Disclosure.parse("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")
    assert (disclosure.name, disclosure.value) == ("family_name", "Möbius")
    assert disclosure.digest == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


def test_what_is_concealed_is_gone_and_comes_back_with_its_disclosure() -> None:
    shown, hidden = conceal(OPEN, {"owner", "note"}, salts())
    assert set(shown) == {"amount", "_sd"}
    assert "Ada" not in json.dumps(shown)
    assert shown["_sd"] == sorted(each.digest for each in hidden)
    revealed = reveal({"result": shown}, [each.encoded for each in hidden])
    assert revealed.value == {"result": OPEN}
    assert (revealed.concealed, revealed.unreferenced, revealed.false) == (0, (), ())


def test_what_is_not_disclosed_stays_counted() -> None:
    shown, hidden = conceal(OPEN, {"owner", "note"}, salts())
    revealed = reveal(shown, [hidden[0].encoded])
    assert revealed.value == {"amount": "10.00", hidden[0].name: hidden[0].value}
    assert revealed.concealed == 1


@given(st.dictionaries(st.text(min_size=1).filter(lambda n: n not in {"_sd", "..."}), st.text()), st.data())
def test_any_subset_can_be_concealed_and_revealed(properties: dict[str, str], data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(properties)))) if properties else set()
    shown, hidden = conceal(properties, names)
    assert reveal(shown, [each.encoded for each in hidden]).value == properties
    assert reveal(shown, []).concealed == len(names)


def test_a_changed_disclosure_is_unreferenced() -> None:
    shown, _ = conceal(OPEN, {"owner"}, salts())
    forged = Disclosure.make("owner", "Eve", "salt0")
    revealed = reveal(shown, [forged.encoded])
    assert revealed.unreferenced == (forged.encoded,)
    assert "owner" not in revealed.value


def test_a_disclosure_never_overwrites_an_open_value() -> None:
    shown, _ = conceal({"x": "1"}, {"x"}, salts())
    clash = Disclosure.make("amount", "99", "s")
    revealed = reveal({"amount": "1", "_sd": [clash.digest, *shown["_sd"]]}, [clash.encoded])
    assert revealed.value["amount"] == "1"
    assert len(revealed.false) == 1


def test_one_digest_or_disclosure_twice_is_false() -> None:
    shown, hidden = conceal(OPEN, {"owner"}, salts())
    encoded = hidden[0].encoded
    assert reveal(shown, [encoded, encoded]).false
    assert reveal({"a": shown, "b": shown}, [encoded]).false


def test_disclosures_inside_disclosures_are_followed() -> None:
    inner, inner_hidden = conceal({"name": "Ada", "team": "T"}, {"name"}, salts())
    outer, outer_hidden = conceal({"owner": inner}, {"owner"}, iter(["outer"]).__next__)
    both = [*(each.encoded for each in inner_hidden), *(each.encoded for each in outer_hidden)]
    assert reveal(outer, both).value == {"owner": {"name": "Ada", "team": "T"}}
    assert reveal(outer, both[:1]).unreferenced == (both[0],)


@pytest.mark.parametrize("value", [[], ["salt", "x"], ["salt", 1, "v"], ["salt", "_sd", "v"], ["salt", "...", 1], {}, "x", [1, "x", "y"]])  # fmt: skip
def test_anything_else_is_no_disclosure(value) -> None:
    with pytest.raises(Malformed):
        Disclosure.parse(encode_base64url(json.dumps(value).encode()))
    assert reveal({}, [encode_base64url(json.dumps(value).encode())]).false


@pytest.mark.parametrize("digests", ["x", [1], {"a": 1}, None])
def test_a_damaged_digest_list_is_false(digests) -> None:
    assert reveal({"_sd": digests}, []).false


def test_reserved_names_cannot_be_concealed_and_objects_not_twice() -> None:
    with pytest.raises(ValueError, match="reserved"):
        Disclosure.make("...", "x", "s")
    with pytest.raises(ValueError, match="already"):
        conceal({"_sd": []}, {"x"})


def test_salts_are_128_random_bits() -> None:
    assert len({new_salt() for _ in range(100)}) == 100
    assert len(new_salt()) == 22
