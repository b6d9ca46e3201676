"""What holds for every contract: monotone in downtime, blind to order, capped last, the same each time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from credit_cases import SOURCE, entitled, issued, signed
from hypothesis import given, settings
from hypothesis import strategies as st
from sla_months import contract_text, sla, tiers

from trust_portal.errors import InvalidInput
from trust_portal.kernel.money import Money, exponent
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.model import Combine
from trust_portal.reliability.credits.calculation import SlaCredit, combined_credit, credit_for
from trust_portal.reliability.credits.entitlement import entitlement
from trust_portal.reliability.credits.model import CreditKind, Outcome
from trust_portal.reliability.findings import Unusable

FEW = settings(max_examples=60, deadline=None)
PERCENTS = st.integers(0, 100).map(str)
COMBINES = st.sampled_from(["max", "choose_one", "sum"])
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "USD"])
#: Credits of up to four promises, in whole percents of the fee.
CREDITS = st.lists(st.integers(0, 120), min_size=1, max_size=4)
CAP = st.none() | PERCENTS
MONTH = 43_200


@lru_cache
def signed_month(down, policy):
    return signed(down, fee="100.00", credit_policy={"lower_restatement": policy})


BASE = parse_contract(contract_text(*({"objective": f"o{n}"} for n in range(4)), fee="1234"))


def contract_of(count, *, combine="max", currency="USD", cap=None, minimum=None, policy=None):
    """``count`` promises and these terms; percentages as text, ``minimum`` in major units."""
    scale = 10 ** exponent(currency)
    limit = None if minimum is None else Money(minimum * scale, currency)
    slas = tuple(replace(each, cap=share(cap), minimum_credit=limit) for each in BASE.slas[:count])
    return replace(
        BASE,
        fee=Money(1234 * scale, currency),
        slas=slas,
        combine=Combine(combine),
        credit_policy=replace(BASE.credit_policy, cap=share(policy)),
    )


def share(percent):
    return None if percent is None else Fraction(int(percent), 100)


def earned(percents):
    return [
        SlaCredit(f"o{n}", percent == 0, None, Fraction(percent, 100), (), ())
        for n, percent in enumerate(percents)
    ]


@FEW
@given(st.integers(0, MONTH), st.integers(0, MONTH), COMBINES, CAP, st.none() | st.just(3))
def test_more_downtime_never_earns_less(one, other, combine, cap, minimum):
    terms = contract_of(2, combine=combine, cap=cap, minimum=minimum)
    amounts = []
    for down in sorted((one, other)):
        verdicts = [credit_for(each, Fraction(MONTH - down, MONTH)) for each in terms.slas]
        amounts.append(combined_credit(terms, verdicts).amount.minor)
    assert amounts == sorted(amounts)


@FEW
@given(CREDITS, COMBINES, CAP, st.randoms(use_true_random=False))
def test_the_order_of_promises_changes_no_amount(percents, combine, cap, random):
    verdicts = earned(percents)
    shuffled = random.sample(verdicts, len(verdicts))
    terms = contract_of(len(percents), combine=combine, cap=cap)
    one, other = combined_credit(terms, verdicts), combined_credit(terms, shuffled)
    assert (one.uncapped, one.percent, one.amount) == (other.uncapped, other.percent, other.amount)


@FEW
@given(CREDITS, COMBINES, CAP, CAP, st.none() | st.integers(0, 500), CURRENCIES)
def test_caps_come_after_combining_then_the_minimum_then_one_rounding(
    percents, combine, cap, policy, minimum, currency
):
    scale = 10 ** exponent(currency)
    terms = contract_of(
        len(percents), combine=combine, currency=currency, cap=cap, minimum=minimum, policy=policy
    )
    got = combined_credit(terms, earned(percents))
    due = [each for each in percents if each]
    whole = Fraction(sum(due) if combine == "sum" else max(due, default=0), 100)
    capped = min([whole, *(share(each) for each in (cap, policy, "100") if each is not None and due)])
    exact = 1234 * scale * capped
    if minimum is not None and due and exact <= minimum * scale:
        exact = Fraction(0)
    assert got.uncapped == whole
    assert got.percent == capped
    assert got.amount == Money(round(exact), currency)


@FEW
@given(st.sampled_from([0, 44, 433, 2161]), st.lists(st.integers(1, 5_000), max_size=3), st.booleans())
def test_what_is_issued_for_a_period_comes_to_what_its_last_revision_gives(down, before, reverse):
    """Each restatement proposes the difference and nothing else; a kept surplus is the one exception."""
    contract, report = signed_month(down, "reverse" if reverse else "keep")
    earlier = [issued(Money(each, "USD").decimal) for each in before]
    found = entitlement(report.body, contract, earlier, SOURCE)
    paid = sum(before) + found.amount.minor
    if found.outcome is Outcome.KEPT:
        assert not reverse
        assert (found.amount.minor, paid > found.total.minor) == (0, True)
    else:
        assert paid == found.total.minor
    assert (found.kind is CreditKind.REVERSAL) == (found.amount.minor < 0)
    settled = [*earlier, issued(found.amount.decimal)] if found.amount.minor else earlier
    again = entitlement(report.body, contract, settled, SOURCE)
    assert again.amount.minor == 0, "what was issued once is not due again"
    assert again.outcome is not Outcome.DUE


def test_the_same_report_gives_the_same_bytes():
    one, other = entitled(433, fee="1000.00"), entitled(433, fee="1000.00")
    assert one == other


#: Failed of a million at and beside each bound of 10/25/100 from 99.9, and what they earn.
CASES = {999: 0, 1_000: 0, 1_001: 10, 10_000: 10, 10_001: 25, 50_000: 25, 50_001: 100}
TABLE = tiers(("10", "99.0"), ("25", "95.0"), ("100", "0"))


def mutants():
    """Every table that differs from TABLE in one place: a bound moved, an edge flipped, a credit changed."""
    for index, tier in enumerate(TABLE):
        changes = [{"credit_percent": str(int(tier["credit_percent"]) + step)} for step in (-5, 5)]
        changes += [{"from_inclusive": "false"}, {"to_inclusive": "true"}]
        for bound in ("from", "to"):
            changes += [{bound: f"{float(tier[bound]) + step:.3f}"} for step in (-0.003, 0.003)]
        for change in changes:
            yield [{**each, **(change if at == index else {})} for at, each in enumerate(TABLE)]
        yield TABLE[:index] + TABLE[index + 1 :]
    # A bound that two tiers share, moved in both, is another contract and no defect.
    for at in (1, 2):
        for step in (-0.003, 0.003):
            moved = f"{float(TABLE[at]['to']) + step:.3f}"
            table = [dict(each) for each in TABLE]
            table[at]["to"], table[at - 1]["from"] = moved, moved
            yield table
        table = [dict(each) for each in TABLE]
        table[at]["to_inclusive"], table[at - 1]["from_inclusive"] = "true", "false"
        yield table


def gives(table):
    """Credits of CASES by a table; ``None`` for one that no contract may have."""
    try:
        contract = parse_contract(contract_text({"tiers": table}))
    except (Unusable, InvalidInput):
        return None
    (promise,) = contract.slas
    return {bad: credit_for(promise, Fraction(10**6 - bad, 10**6)).credit * 100 for bad in CASES}


def test_every_mutation_of_a_tier_table_is_refused_or_seen():
    assert gives(TABLE) == CASES
    survivors = [table for table in mutants() if gives(table) == CASES]
    assert survivors == []
    assert sla()["tiers"] == TABLE
    refused = sum(gives(table) is None for table in mutants())
    assert (refused, len(list(mutants()))) == (20, 33)
