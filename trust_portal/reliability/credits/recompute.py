"""Derives a credit memo's amount again from the report and the contract in its own bundle."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch
from trust_portal.kernel.money import Money
from trust_portal.reliability.comparison import file_in, mismatches, reading, same_engine, table_differs
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.credits.entitlement import Earlier, Source, entitlement
from trust_portal.reliability.credits.model import (
    CONTRACT_INPUT,
    CSV_FILE,
    ENGINE,
    FORMAT,
    MEMO_FILE,
    REPORT_INPUT,
)
from trust_portal.reliability.credits.rows import csv_rows


def recompute_credit_memo(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every figure of ``memo.json`` that the report and the contract do not lead to, and the table made of it.

    Raises ``NotRecomputable`` naming the file, and the key in it, that is missing or unusable.
    """
    with reading(MEMO_FILE):
        memo = parse_json(file_in(files, MEMO_FILE))
        same_engine(memo, MEMO_FILE, engine=ENGINE, formats=(FORMAT,))
        stated = memo["calculation"]["body"]
        earlier = [
            Earlier(
                each["credit"],
                int(each["revision"]),
                Money.parse(each["amount"], stated["currency"]),
                each["reference"],
                each["receipt"],
            )
            for each in stated["earlier"]
        ]
        source = Source(
            stated["report"]["id"],
            stated["report"]["sha256"],
            stated["report"]["receipt"],
            stated["contract"]["receipt"],
        )
    with reading(CONTRACT_INPUT):
        contract = parse_contract(file_in(files, CONTRACT_INPUT))
    with reading(REPORT_INPUT):
        report = parse_json(file_in(files, REPORT_INPUT))
        derived = entitlement(report, contract, earlier, source).body
    found = mismatches(MEMO_FILE, stated, derived, "$.calculation.body")
    with reading(MEMO_FILE):
        credit = {name: memo["credit"][name] for name in ("amount", "currency", "kind")}
        found += mismatches(MEMO_FILE, credit, {name: derived[name] for name in credit}, "$.credit")
        rows = csv_rows(memo)
        table = write_csv(next(rows), rows)
    return found + table_differs(CSV_FILE, files.get(CSV_FILE), table)
