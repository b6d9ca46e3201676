"""A receipt's page says in a sentence what was done, and leads to the thing."""

from __future__ import annotations

import pytest

from trust_portal.evidence.statement import ReceiptKind
from trust_portal.web.receipt_words import DONE, about, place_of

ID = "01a2295b-92fe-7523-ade2-cd7b8ad0fc82"


def test_every_kind_has_its_sentence_and_there_is_none_beside():
    assert sorted(DONE) == sorted(each.value for each in ReceiptKind)
    assert len(set(DONE.values())) == len(DONE), "no two kinds say the same"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (f"anomaly/{ID}/2", "Anomaly, no. 2"),
        (f"approval/{ID}/step/1", "Approval, step 1"),
        (f"audit/{ID}", "Audit"),
        ("qbr/2026-Q4/entries/2", "Business review, Q4 2026, entry 2"),
        (f"qbr/{ID}/snapshot", "Business review, snapshot"),
        (f"playbook-run/{ID}/3", "Playbook run, no. 3"),
        ("sla-report/2026-10/attempt/1", "SLA report, October 2026, attempt 1"),
        ("kill-switch/all/4", "Kill switch, everything, no. 4"),
        ("inputs/contract.yaml", "inputs/contract.yaml"),
        ("VERIFY.md", "VERIFY.md"),
    ],
)
def test_a_subject_is_called_without_the_id_that_says_nothing(name, read):
    assert about(name) == read


@pytest.mark.parametrize(
    ("kind", "result", "path", "house"),
    [
        (ReceiptKind.ANOMALY_CLOSED, {"anomaly": ID}, f"cost/anomalies/{ID}", False),
        (
            ReceiptKind.CREDIT_CALCULATED,
            {"calculation": ID, "credit": "x"},
            f"credits/calculations/{ID}",
            False,
        ),
        (ReceiptKind.CONTRACT_RECORDED, {"version": "2026.1"}, "contracts/2026.1", False),
        (ReceiptKind.INCIDENT_MERGED, {"incident": ID}, f"incidents/{ID}", True),
    ],
)
def test_it_leads_to_the_thing(kind, result, path, house):
    found = place_of(kind, result)
    assert found is not None
    assert (found.path, found.house) == (path, house)


@pytest.mark.parametrize(
    "result",
    [{}, {"anomaly": None}, {"anomaly": {"withheld": "…"}}, {"anomaly": "../../people"}, {"anomaly": ""}],
)
def test_where_the_id_is_withheld_or_none_it_leads_nowhere(result):
    assert place_of(ReceiptKind.ANOMALY_CLOSED, result) is None
