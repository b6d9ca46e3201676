"""Notes, checkpoints, proofs and policies as C2SP writes them."""

import pytest
from evidence_sample import FOREIGN_KEY, LOG_KEY, ORIGIN, POLICY, RECEIPT_KEY, Log, policy_of
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.evidence.checkpoint import Checkpoint, ConsistencyProof, TlogProof
from trust_portal.evidence.merkle import EMPTY_ROOT, consistency_proof
from trust_portal.evidence.note import NoteAlgorithm, NoteKey, NoteSignature, SignedNote, sign_note
from trust_portal.evidence.policy_file import Policy, Span
from trust_portal.evidence.signing import SigningKey, VerifyKey
from trust_portal.evidence.strict import Malformed

KEY = NoteKey(ORIGIN, LOG_KEY.verify_key)
LOG = Log()
LOG.grow(9)
NOTE = LOG.head()
PROOF = str(LOG.proof(4, NOTE))

# c2sp.org/signed-note and c2sp.org/tlog-cosignature print these.
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def cosigned(note: SignedNote, name: str, key: SigningKey, at: int = 1_700_000_000) -> SignedNote:
    note_key = NoteKey(name, key.verify_key, NoteAlgorithm.COSIGNATURE_V1)
    signature = at.to_bytes(8, "big") + key.sign(f"cosignature/v1\ntime {at}\n{note.text}".encode())
    return SignedNote(note.text, (*note.signatures, NoteSignature(name, note_key.key_hash, signature)))


def test_the_checkpoint_of_the_specification_is_read_and_written() -> None:
    head = Checkpoint.parse(CHECKPOINT)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.text == CHECKPOINT


def test_the_empty_tree_has_size_0() -> None:
    assert Checkpoint.parse(f"a\n0\n{Checkpoint('a', 0, EMPTY_ROOT).text.split()[2]}\n").root == EMPTY_ROOT


@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT + "extension\n",
        CHECKPOINT[:-1],
        CHECKPOINT.replace("20852163", "020852163"),
        CHECKPOINT.replace("20852163", "-1"),
        CHECKPOINT.replace("CsUY", "CsU"),
        CHECKPOINT.replace("example.com/", "two words/"),
        CHECKPOINT.replace("example.com/behind-the-sofa", ""),
        "\n" + CHECKPOINT,
    ],
)
def test_any_other_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


def test_a_note_is_read_back_and_verified() -> None:
    parsed = SignedNote.parse(str(NOTE))
    assert parsed == NOTE
    assert parsed.signed_by(KEY) is True
    assert parsed.signed_by(NoteKey(ORIGIN, FOREIGN_KEY.verify_key)) is None
    assert parsed.signed_by(NoteKey("another.name", LOG_KEY.verify_key)) is None


def test_unknown_signatures_are_ignored_and_broken_ones_of_known_keys_are_not() -> None:
    both = SignedNote(
        NOTE.text, (*sign_note(NOTE.text, "stranger", FOREIGN_KEY).signatures, *NOTE.signatures)
    )
    assert SignedNote.parse(str(both)).signed_by(KEY) is True
    broken = NoteSignature(ORIGIN, KEY.key_hash, bytes(64))
    assert SignedNote(NOTE.text, (*NOTE.signatures, broken)).signed_by(KEY) is False


@pytest.mark.parametrize(
    "note",
    ["", "text\n", "text\n\n", "text\n\n— a AAAAAAA=", "text\n\n- a AAAAAAA=\n", "text\n\n— a AAAA\n",
     "text\n\n—  AAAAAAA=\n", "text\n\n— a b AAAAAAA=\n", "te\txt\n\n— a AAAAAAA=\n", "text\n\n— a+b AAAAAAA=\n"],
)  # fmt: skip
def test_anything_else_is_no_note(note: str) -> None:
    with pytest.raises(Malformed):
        SignedNote.parse(note)


def test_a_note_with_too_many_signatures_is_refused() -> None:
    with pytest.raises(Malformed, match="more than 64"):
        SignedNote.parse("t\n\n" + "— a AAAAAAA=\n" * 65)


@pytest.mark.parametrize(
    "vkey", ["", "a", "a+00000000+AQ==", KEY.vkey[:-4], KEY.vkey.replace(ORIGIN, "x"), " " + KEY.vkey]
)
def test_a_verifier_key_must_be_its_own_hash(vkey: str) -> None:
    assert NoteKey.parse(KEY.vkey) == KEY
    with pytest.raises(Malformed):
        NoteKey.parse(vkey)


def test_a_proof_is_read_back() -> None:
    assert str(TlogProof.parse(PROOF.encode())) == PROOF
    assert PROOF.startswith("c2sp.org/tlog-proof@v1\nindex 4\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("index 4", "index 04"),
        lambda text: text.replace("index 4", "index  4"),
        lambda text: text.replace("index 4", "old 4"),
        lambda text: text.replace("\nindex", "\nextra YQ==\nindex"),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("\n\n", "\nAAAA\n\n", 1),
        lambda text: text + "x",
        lambda text: text.replace("=\n", " =\n", 1),
        lambda text: "",
    ],
)
def test_a_proof_has_one_spelling(change) -> None:
    with pytest.raises(Malformed):
        TlogProof.parse(change(PROOF).encode())


def test_a_consistency_proof_is_what_a_witness_is_sent() -> None:
    proof = ConsistencyProof(4, consistency_proof(4, 9, LOG.nodes), NOTE)
    parsed = ConsistencyProof.parse(str(proof).encode())
    assert parsed == proof
    assert str(proof).startswith("old 4\n")
    early = Log()
    early.grow(4)
    assert parsed.verifies(early.range.root)
    assert not parsed.verifies(bytes(32))


def test_a_proof_longer_than_any_tree_is_refused() -> None:
    line = PROOF.split("\n")[2] + "\n"
    with pytest.raises(Malformed, match="longer"):
        TlogProof.parse(PROOF.replace("\n\n", "\n" + line * 64 + "\n", 1).encode())


def test_a_policy_is_read_back() -> None:
    policy = policy_of(spans={RECEIPT_KEY.key_id: Span(3, 9), LOG_KEY.key_id: Span(0, None)})
    assert Policy.parse(policy.text.encode()) == policy
    assert policy.key_ids == (RECEIPT_KEY.key_id, LOG_KEY.key_id)


def test_without_receipt_keys_the_log_keys_sign_receipts() -> None:
    policy = Policy.parse(f"log {KEY.vkey} https://log.example/\nquorum none\n".encode())
    assert policy.receipt_key(LOG_KEY.key_id) == LOG_KEY.verify_key
    assert policy.receipt_key(RECEIPT_KEY.key_id) is None
    assert POLICY.receipt_key(LOG_KEY.key_id) is None


@pytest.mark.parametrize(
    "line,reason",
    [
        (f"log {KEY.vkey}", "twice"),
        ("quorum none", "second quorum"),
        ("quorum nobody", "second quorum"),
        ("log x", "only Ed25519"),
        ("witness w " + KEY.vkey, "cosigns"),
        ("group g 1 w", "not defined"),
        ("group none any w", "defined already"),
        ("group g 1", "nothing this policy"),
        ("surprise", "nothing this policy"),
        ("#:surprise", "nothing this policy"),
        ("#:valid x 5 4", "ends before"),
        ("#:valid x 05 6", "decimal"),
        ("#:receipt-key AAAA", "32 bytes"),
        ("quorum\x00", "control"),
        ("a\rb", "control"),
    ],
)
def test_a_line_that_is_not_understood_is_refused(line: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Policy.parse((f"log {KEY.vkey}\nquorum none\n{line}\n").encode())


def test_a_policy_needs_a_quorum_and_allows_comments_and_tabs() -> None:
    with pytest.raises(Malformed, match="no quorum"):
        Policy.parse(b"# nothing\n")
    text = f"\t # hello\n\n log \t {KEY.vkey} \n\tquorum none\n # bye\n"
    assert Policy.parse(text.encode()).logs == (KEY,)


WITNESSES = {f"w{n}": SigningKey(bytes([10 + n]) * 32) for n in range(4)}


def witness_lines() -> str:
    keys = {
        n: NoteKey(f"{n}.example", k.verify_key, NoteAlgorithm.COSIGNATURE_V1) for n, k in WITNESSES.items()
    }
    return "".join(f"witness {name} {key.vkey}\n" for name, key in keys.items())


@pytest.mark.parametrize(
    "rules,enough,short",
    [
        ("quorum w0", ["w0"], ["w1", "w2", "w3"]),
        ("group g any w0 w1\nquorum g", ["w1"], ["w2", "w3"]),
        ("group g all w0 w1 w2\nquorum g", ["w0", "w1", "w2"], ["w0", "w1", "w3"]),
        ("group a 2 w0 w1 w2\ngroup b all a w3\nquorum b", ["w0", "w2", "w3"], ["w0", "w1", "w2"]),
    ],
)
def test_a_quorum_of_witnesses_is_counted(rules: str, enough: list[str], short: list[str]) -> None:
    policy = Policy.parse(f"log {KEY.vkey}\n{witness_lines()}{rules}\n".encode())
    for names, expected in ((enough, True), (short, False), ([], False)):
        note = NOTE
        for name in names:
            note = cosigned(note, f"{name}.example", WITNESSES[name])
        assert policy.witnessed(SignedNote.parse(str(note))) is expected
    assert Policy.parse(policy.text.encode()) == policy


def test_a_cosignature_of_another_time_does_not_count() -> None:
    policy = Policy.parse(f"log {KEY.vkey}\n{witness_lines()}quorum w0\n".encode())
    note = cosigned(NOTE, "w0.example", WITNESSES["w0"])
    last = note.signatures[-1]
    moved = NoteSignature(last.name, last.key_hash, bytes(8) + last.signature[8:])
    assert not policy.witnessed(SignedNote(note.text, (*NOTE.signatures, moved)))


def test_a_witness_counts_in_one_group_only() -> None:
    text = f"log {KEY.vkey}\n{witness_lines()}group a any w0 w1\ngroup b any w0 w2\nquorum a\n"
    with pytest.raises(Malformed, match="member twice"):
        Policy.parse(text.encode())


@given(st.integers(0, 30), st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30)))
def test_a_span_covers_entries_and_the_heads_over_them(place: int, first: int, end: int | None) -> None:
    span = Span(first, end)
    if span.covers_entry(place):
        assert span.covers_size(place + 1)
    assert span.covers_entry(place) is (first <= place and (end is None or place < end))


@given(st.binary(max_size=200))
def test_random_bytes_are_malformed_and_nothing_else(data: bytes) -> None:
    for parse in (Policy.parse, TlogProof.parse, ConsistencyProof.parse):
        with pytest.raises(Malformed):
            parse(data)


def test_a_key_of_all_zeroes_signs_nothing() -> None:
    assert not VerifyKey(bytes(32)).verify(b"", bytes(64))
