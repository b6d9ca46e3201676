"""Credentials carry their tenant and give nothing away."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from trust_portal.access.credentials import Credential, new_cookie, new_token, parse_cookie, parse_token
from trust_portal.kernel.ids import new_id

TENANT = UUID("01980000-0000-7000-8000-00000000000a")


def test_a_fresh_credential_reads_back():
    tenant_id = new_id()
    cookie, token = new_cookie(tenant_id), new_token(tenant_id)

    assert parse_cookie(cookie.as_cookie()) == cookie
    assert parse_token(token.as_token()) == token
    assert re.fullmatch(r"tp_[0-9a-f]{32}_[0-9A-Za-z]{49}", token.as_token())


def test_a_token_of_known_bytes_is_spelled_for_ever_the_same():
    credential = Credential(TENANT, "0" * 43)

    assert credential.as_token() == f"tp_0198000000007000800000000000000a_{'0' * 43}{CHECKSUM}"
    assert credential.hash == hashlib.sha256(b"0" * 43).digest()


CHECKSUM = "2Awz67"


def test_no_two_secrets_are_the_same():
    assert len({new_token(TENANT).secret for _ in range(200)}) == 200
    assert len({new_cookie(TENANT).secret for _ in range(200)}) == 200


def test_the_secret_is_not_in_the_repr():
    credential = new_token(TENANT)

    assert credential.secret not in repr(credential)


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused_without_an_error(text):
    for credential, spelled in (
        (parse_cookie(text), Credential.as_cookie),
        (parse_token(text), Credential.as_token),
    ):
        assert credential is None or spelled(credential) == text


@given(st.data())
def test_a_token_with_any_other_character_is_no_token(data):
    text = new_token(TENANT).as_token()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))

    assert parse_token(text[:place] + other + text[place + 1 :]) is None


@given(st.data())
def test_a_cut_or_lengthened_credential_is_none(data):
    for text, parse in (
        (new_token(TENANT).as_token(), parse_token),
        (new_cookie(TENANT).as_cookie(), parse_cookie),
    ):
        cut = data.draw(st.integers(0, len(text) - 1))
        more = data.draw(st.text(min_size=1, max_size=5))
        assert parse(text[:cut]) is None
        assert parse(text + more) is None
        assert parse(more + text) is None
