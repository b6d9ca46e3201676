"""Ed25519 keys against RFC 8032 and RFC 8410."""

import pytest

from trust_portal.evidence.signing import SigningKey, VerifyKey
from trust_portal.evidence.strict import Malformed

# RFC 8032 §7.1, test 3.
SEED = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
MESSAGE = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_the_rfc_8032_vector_is_signed_and_verified() -> None:
    key = SigningKey(SEED)
    assert key.public_key == PUBLIC
    assert key.sign(MESSAGE) == SIGNATURE
    assert key.verify_key.verify(MESSAGE, SIGNATURE)


@pytest.mark.parametrize("signature", [SIGNATURE[:-1], SIGNATURE + b"\x00", b"", bytes(64)])
def test_anything_else_is_no_signature(signature: bytes) -> None:
    assert not VerifyKey(PUBLIC).verify(MESSAGE, signature)
    assert not VerifyKey(PUBLIC).verify(MESSAGE + b"\x00", SIGNATURE)


def test_a_signature_has_one_spelling() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    malleated = SIGNATURE[:32] + (int.from_bytes(SIGNATURE[32:], "little") + order).to_bytes(32, "little")
    assert not VerifyKey(PUBLIC).verify(MESSAGE, malleated)


def test_a_private_key_is_not_printed() -> None:
    key = SigningKey(SEED)
    assert SEED.hex() not in repr(key)
    assert repr(SEED) not in repr(key)


def test_keys_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(Malformed, match="32 bytes"):
        SigningKey(bytes(31))
    with pytest.raises(Malformed, match="32 bytes"):
        VerifyKey(bytes(33))
