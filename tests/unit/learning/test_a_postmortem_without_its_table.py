"""The evidence table is a part of what was signed, and of what was given: a bundle without it says so."""

from __future__ import annotations

from support.postmortem_sample import document

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.verdict import Mismatch
from trust_portal.kernel.canonical import canonical
from trust_portal.learning.postmortems.copy_attestation import recompute_copy
from trust_portal.learning.postmortems.profiles import profile_of
from trust_portal.learning.postmortems.recompute import recompute_postmortem
from trust_portal.learning.postmortems.redaction import copy_body, redact
from trust_portal.learning.postmortems.rows import evidence_rows

DOCUMENT = document()
COPY = copy_body(
    redact(DOCUMENT, profile_of("customer").withhold, "northwind"),
    original_sha256="ab" * 32,
    customer={"id": "n", "key": "northwind", "name": "Northwind"},
    profile={"id": "customer", "sha256": "cd" * 32},
)


def table_of(value: dict[str, object]) -> bytes:
    rows = evidence_rows(value)
    return write_csv(next(rows), rows)


def test_the_table_of_a_postmortem_and_of_a_copy_must_be_there() -> None:
    for recompute, name, body, told in (
        (recompute_postmortem, "postmortem.json", DOCUMENT, DOCUMENT),
        (recompute_copy, "postmortem-copy.json", COPY, COPY["document"]),
    ):
        table = table_of(told)
        files = {name: canonical(body), "evidence.csv": table}
        assert recompute(files) == []
        del files["evidence.csv"]
        assert recompute(files) == [Mismatch("evidence.csv", "", "(absent)", f"{len(table)} bytes")]
