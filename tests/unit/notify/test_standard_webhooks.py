"""Ours against other people's: the public ``standardwebhooks`` library and ``cryptography``'s Ed25519."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from trust_portal.errors import InvalidInput
from trust_portal.notify.standard_webhooks import (
    Ed25519Private,
    Ed25519Public,
    HmacSecret,
    SignatureRefused,
    sign_webhook,
    verify_webhook,
)

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
SECRET = HmacSecret(bytes(range(32)))
KEY = Ed25519Private(bytes(range(100, 132)))
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_specification_gives_its_signature() -> None:
    secret = HmacSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign_webhook("msg_p5jXN8AQM9LWM0D4loKWxJek", at, BODY, [secret])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(body=st.text(max_size=200), secret=st.binary(min_size=24, max_size=64))
def test_the_public_library_accepts_what_we_sign_and_we_what_it_signs(body: str, secret: bytes) -> None:
    ours, theirs = HmacSecret(secret), Webhook(base64.b64encode(secret).decode())
    now = datetime.now(UTC)
    sent = f'"{base64.b64encode(body.encode()).decode()}"'
    assert theirs.verify(sent, sign_webhook("msg_1", now, sent.encode(), [ours])) is not None
    headers = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": theirs.sign("msg_2", now, sent),
    }
    assert verify_webhook(headers, sent.encode(), [ours], now) == "msg_2"
    with pytest.raises(WebhookVerificationError):
        theirs.verify(sent + " ", sign_webhook("msg_1", now, sent.encode(), [ours]))


@given(body=st.binary(max_size=200), seed=st.binary(min_size=32, max_size=32))
def test_another_implementation_of_ed25519_agrees_in_both_directions(body: bytes, seed: bytes) -> None:
    ours, theirs = Ed25519Private(seed), Ed25519PrivateKey.from_private_bytes(seed)
    headers = sign_webhook("msg_1", NOW, body, [ours])
    scheme, _, signature = headers["webhook-signature"].partition(",")
    assert scheme == "v1a"
    content = b"msg_1." + str(int(NOW.timestamp())).encode() + b"." + body
    public = Ed25519PublicKey.from_public_bytes(ours.public.public_key)
    public.verify(base64.b64decode(signature), content)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), content + b" ")
    headers["webhook-signature"] = "v1a," + base64.b64encode(theirs.sign(content)).decode()
    assert verify_webhook(headers, body, [ours.public], NOW) == "msg_1"


def test_a_message_signed_twice_satisfies_whoever_knows_one_of_the_keys() -> None:
    headers = sign_webhook("msg_1", NOW, BODY, [KEY, SECRET])
    assert verify_webhook(headers, BODY, [SECRET], NOW) == "msg_1"
    assert verify_webhook(headers, BODY, [KEY.public], NOW) == "msg_1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"webhook-id": "msg_2"}, "webhook-signature"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, "webhook-signature"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) + 301)}, "webhook-timestamp"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) - 301)}, "webhook-timestamp"),
        ({"webhook-timestamp": "١٢٣"}, "webhook-timestamp"),
        ({"webhook-timestamp": "9" * 11}, "webhook-timestamp"),
        ({"webhook-timestamp": "9" * 12}, "webhook-timestamp"),
        ({"webhook-timestamp": "soon"}, "webhook-timestamp"),
        ({"webhook-signature": "v1,"}, "webhook-signature"),
        ({"webhook-signature": ""}, "webhook-signature"),
        ({"webhook-signature": "v1a,not base64"}, "webhook-signature"),
    ],
)
def test_whatever_is_changed_is_refused_by_the_header_that_does_not_fit(
    change: dict[str, str], field: str
) -> None:
    headers = sign_webhook("msg_1", NOW, BODY, [KEY, SECRET]) | change
    with pytest.raises(SignatureRefused) as refused:
        verify_webhook(headers, BODY, [SECRET, KEY.public], NOW)
    assert refused.value.field == field


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    headers = sign_webhook("msg_1", NOW, BODY, [SECRET])
    del headers[missing]
    with pytest.raises(SignatureRefused) as refused:
        verify_webhook(headers, BODY, [SECRET], NOW)
    assert refused.value.field == missing


def test_a_signature_of_one_scheme_is_none_of_another() -> None:
    headers = sign_webhook("msg_1", NOW, BODY, [SECRET])
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    with pytest.raises(SignatureRefused):
        verify_webhook(headers, BODY, [SECRET, KEY.public], NOW)


def test_other_schemes_and_keys_beside_ours_do_no_harm() -> None:
    other = sign_webhook("msg_1", NOW, BODY, [HmacSecret(bytes(40))])["webhook-signature"]
    headers = sign_webhook("msg_1", NOW, BODY, [SECRET])
    headers["webhook-signature"] = f"v9,~~ {other} {headers['webhook-signature']}"
    assert verify_webhook(headers, BODY, [SECRET], NOW) == "msg_1"


def test_a_message_is_from_now_within_the_tolerance() -> None:
    headers = sign_webhook("msg_1", NOW, BODY, [SECRET])
    assert verify_webhook(headers, BODY, [SECRET], NOW + timedelta(minutes=5)) == "msg_1"


@pytest.mark.parametrize("id", ["", "a.b", "a b", "a\n", "ü"])
def test_an_id_that_could_be_read_in_two_ways_is_not_signed(id: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sign_webhook(id, NOW, BODY, [SECRET])
    assert refused.value.field == "webhook-id"


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(InvalidInput):
        sign_webhook("msg_1", NOW, BODY, [])


def test_keys_are_read_back_from_their_text_and_shown_by_none_other() -> None:
    assert HmacSecret.parse(SECRET.text) == SECRET
    assert Ed25519Public.parse(KEY.public.text) == KEY.public
    assert SECRET.text.removeprefix("whsec_") not in repr(SECRET)
    assert str(KEY.seed) not in repr(KEY)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "whsec_$", "AAAA", "whpk_" + "A" * 44])
def test_a_text_that_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        HmacSecret.parse(text)
    assert refused.value.code == "BAD_KEY"


def test_a_text_that_is_no_public_key_is_refused() -> None:
    for text in ("", "whpk_AAAA", SECRET.text):
        with pytest.raises(InvalidInput):
            Ed25519Public.parse(text)
