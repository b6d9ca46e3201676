"""From a signed report and its contract to the amount that can be proposed, with the words that say why."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from credit_cases import SOURCE, entitled, issued, restated, signed
from sla_months import contract_text, sla

from trust_portal.errors import Conflict, InvalidInput, Refused
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.credits.claims import claim_deadline
from trust_portal.reliability.credits.entitlement import contributors, entitlement
from trust_portal.reliability.credits.model import CreditKind, IssueCredit, Outcome
from trust_portal.reliability.findings import Unusable


def came_to(found):
    return found.outcome, found.kind, found.amount.decimal, found.total.decimal


def test_a_missed_month_is_due_what_its_tier_gives():
    found = entitled(433, fee="1000.00")
    assert came_to(found) == (Outcome.DUE, CreditKind.CREDIT, "250.00", "250.00")
    assert found.body["rationale"] == [
        "In June 2026, api attained 98.997685\u00a0%; at least 99.9\u00a0% was promised, so the promise was not kept.",
        (
            "For that, version 1 of the contract gives 25\u00a0% of the fee for api, its credit for values from "
            "95\u00a0% up to 99\u00a0%, not inclusive."
        ),
        "25\u00a0% of the fee of USD\u00a01,000.00 for the period is USD\u00a0250.00.",
        "USD\u00a0250.00 is due.",
    ]
    assert [each["id"] for each in found.body["objectives"][0]["rules"]] == ["target", "tier"]


def test_a_kept_month_earns_nothing_and_says_so():
    found = entitled(43)
    assert came_to(found) == (Outcome.NOTHING, CreditKind.CREDIT, "0.00", "0.00")
    assert found.body["rationale"][-1] == "Nothing is proposed."


def test_every_cap_and_the_minimum_say_what_they_did_in_the_order_they_did_it():
    slas = [
        sla(objective="api", cap_percent="30", minimum_credit="1.00"),
        sla(objective="web", cap_percent="30"),
    ]
    policy = {"caps": {"percent": "20", "amount": "150.00"}}
    found = entitled((433, 100), slas=slas, combine="sum", fee="1000.00", credit_policy=policy)
    assert found.amount.decimal == "150.00"
    assert [each["id"] for each in found.body["rules"]] == ["combine", "cap", "cap.policy", "cap.policy"]
    told = found.body["rationale"]
    assert told[4:] == [
        "Where several promises are missed, the contract adds their credits up: 35\u00a0%.",
        "35 % is capped at 30 %.",
        "The credit policy allows at most 20 %.",
        "20\u00a0% of the fee of USD\u00a01,000.00 for the period is USD\u00a0200.00.",
        "The credit policy allows at most 150.00 USD.",
        "USD\u00a0150.00 is due.",
    ]


def test_an_amount_at_the_minimum_is_not_paid_and_one_above_it_is():
    slas = [sla(minimum_credit="1.00")]
    assert came_to(entitled(100, slas=slas, fee="10.00"))[0] is Outcome.NOTHING
    above = entitled(100, slas=slas, fee="10.01")
    assert came_to(above) == (Outcome.DUE, CreditKind.CREDIT, "1.00", "1.00")
    assert [each["id"] for each in above.body["rules"]] == ["money"]


@pytest.mark.parametrize(
    "currency, fee, amount", [("JPY", "1005", "100"), ("KWD", "1.005", "0.100"), ("USD", "100.00", "10.00")]
)
def test_amounts_have_the_digits_of_their_currency(currency, fee, amount):
    found = entitled(100, currency=currency, fee=fee)
    assert (found.amount.decimal, found.body["currency"]) == (amount, currency)


def test_a_percentage_that_no_decimal_can_write_is_told_as_the_fraction_it_is():
    found = entitled(433, slas=[{"formula": "1% per 0.1% below target"}], fee="1000.00")
    assert (found.body["percent"], found.amount.decimal) == ("1949/216", "90.23")
    assert "1949/216\u00a0% of the fee" in found.body["rationale"][2]


def test_a_restated_report_with_more_due_is_a_supplement_for_the_difference():
    found = entitled(433, earlier=["10.00"])
    assert came_to(found) == (Outcome.DUE, CreditKind.SUPPLEMENT, "15.00", "25.00")
    assert found.body["rules"][-1] == {
        "id": "restatement.supplement",
        "text": "10.00 USD was issued for this period; the restated report comes to 25.00 USD, 15.00 USD more",
    }


def test_a_restated_report_with_as_much_due_changes_nothing():
    assert came_to(entitled(433, earlier=["10.00", "15.00"])) == (
        Outcome.UNCHANGED,
        CreditKind.CREDIT,
        "0.00",
        "25.00",
    )


def test_a_restated_report_with_less_due_leaves_the_credit_with_the_customer_by_default():
    found = entitled(100, earlier=["25.00"])
    assert came_to(found) == (Outcome.KEPT, CreditKind.CREDIT, "0.00", "10.00")
    assert found.body["rules"][-1]["id"] == "restatement.keep"
    assert "by the contract's credit policy the customer keeps it" in found.body["rules"][-1]["text"]


def test_a_contract_that_says_so_has_the_difference_reversed():
    policy = {"lower_restatement": "reverse"}
    found = entitled(100, earlier=["25.00"], credit_policy=policy)
    assert came_to(found) == (Outcome.DUE, CreditKind.REVERSAL, "-15.00", "10.00")
    assert found.body["rationale"][-1] == "USD\u00a015.00 is taken back."
    assert came_to(entitled(433, earlier=["25.00", "-15.00"], credit_policy=policy))[:3] == (
        Outcome.DUE,
        CreditKind.SUPPLEMENT,
        "15.00",
    )


def test_no_difference_is_taken_between_currencies():
    contract, report = signed(433)
    with pytest.raises(Conflict) as refusal:
        entitlement(report.body, contract, [issued("10.00", "EUR")], SOURCE)
    assert refusal.value.code == "CURRENCY_CHANGED"


def test_a_report_that_signs_no_figure_earns_nothing():
    contract, report = signed(433)
    for state in ("incomplete", "disputed"):
        with pytest.raises(Refused) as refusal:
            entitlement(restated(report, state=state, credit=None), contract, [], SOURCE)
        assert refusal.value.code == "NOT_SIGNED"


def test_another_contract_than_the_reports_is_refused():
    _, report = signed(433)
    other, _ = signed(433, fee="100.01")
    with pytest.raises(Refused) as refusal:
        entitlement(report.body, other, [], SOURCE)
    assert refusal.value.code == "CONTRACT_DIFFERS"


def test_a_report_whose_credit_does_not_follow_from_its_figures_is_refused():
    contract, report = signed(433, fee="1000.00")
    body = restated(report)
    body["credit"]["amount"] = "251.00"
    with pytest.raises(Refused, match=r"they come to 250.00 USD, the report says 251.00 USD") as refusal:
        entitlement(body, contract, [], SOURCE)
    assert refusal.value.code == "REPORT_DISAGREES"
    body = restated(report)
    body["objectives"][0]["credit_percent"] = "100"
    with pytest.raises(Refused, match=r"api earns 25 %, the report says 100 %"):
        entitlement(body, contract, [], SOURCE)


WINDOWS = [
    # 30 days after a period that ended at midnight: the whole of 30 July.
    ("UTC", 30, datetime(2026, 7, 1, 6, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)),
    ("UTC", 30, datetime(2026, 6, 30, 23, tzinfo=UTC), datetime(2026, 7, 31, tzinfo=UTC)),
    ("Europe/Berlin", 30, datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 30, 22, tzinfo=UTC)),
    # The clocks change on 25 October: days are calendar days, not multiples of 24 hours.
    ("Europe/Berlin", 30, datetime(2026, 10, 5, 12, tzinfo=UTC), datetime(2026, 11, 4, 23, tzinfo=UTC)),
    ("UTC", 0, datetime(2026, 7, 3, 9, tzinfo=UTC), datetime(2026, 7, 4, tzinfo=UTC)),
]


@pytest.mark.parametrize("zone, days, signed_at, deadline", WINDOWS)
def test_a_claim_window_is_whole_days_after_the_later_of_end_and_signing(zone, days, signed_at, deadline):
    contract, _ = signed(slas=[{"time_zone": zone, "claim_window_days": str(days)}])
    assert claim_deadline(contract.slas, "2026-06", signed_at) == deadline


def test_the_shortest_window_of_the_promises_that_earn_something_holds():
    slas = [
        sla(objective="api", claim_window_days="30"),
        sla(objective="web", claim_window_days="10"),
        sla(objective="mail"),
    ]
    contract, report = signed((433, 0, 433), slas=slas)
    assert [each.objective for each in contributors(report.body, contract)] == ["api", "mail"]
    at = datetime(2026, 7, 1, tzinfo=UTC)
    earning = contributors(report.body, contract)
    assert claim_deadline(earning, "2026-06", at) == datetime(2026, 7, 31, tzinfo=UTC)
    assert claim_deadline(earning[1:], "2026-06", at) is None
    assert claim_deadline(contract.slas, "2026-06", at) == datetime(2026, 7, 11, tzinfo=UTC)


def test_a_contract_says_what_a_lower_restatement_does_and_nothing_else():
    with pytest.raises(Unusable, match="'forgive' is none of keep, reverse"):
        parse_contract(contract_text(credit_policy={"lower_restatement": "forgive"}))


@pytest.mark.parametrize("reference", ["", "  ", "x" * 81, "CN\n1", "<b>", "=SUM(A1)", "-1", "CN-\u202e1"])
def test_a_reference_that_no_billing_system_would_print_is_refused(reference):
    with pytest.raises(InvalidInput) as refusal:
        IssueCredit(UUID(int=1), UUID(int=2), reference, "1.00")
    assert refusal.value.field == "reference"


def test_tiers_read_as_words_whatever_their_bounds():
    upper = [
        {"from": "99", "to": "99.9", "from_inclusive": "false", "credit_percent": "10"},
        {"to": "99", "to_inclusive": "true", "credit_percent": "20"},
    ]
    told = entitled(432, slas=[{"tiers": upper}]).body["rationale"][1]
    assert told.endswith("its credit for values from 0\u00a0% up to 99\u00a0%, inclusive.")
    told = entitled(100, slas=[{"tiers": upper}]).body["rationale"][1]
    assert told.endswith("its credit for values above 99\u00a0% up to 99.9\u00a0%, not inclusive.")
    told = entitled(100, slas=[{"formula": "5% per started 0.1% below target up to 50%"}]).body["rationale"][
        1
    ]
    assert told.endswith("by the rule: 5% per started 0.1% below 99.9% up to 50%.")
