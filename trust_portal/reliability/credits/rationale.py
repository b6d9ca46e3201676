"""Why this amount: sentences for a customer, made from the calculation alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from trust_portal.documents import formats
from trust_portal.reliability.contracts.model import decimal_text

_COMBINES = {
    "max": "Where several promises are missed, the contract pays the largest of their credits",
    "choose_one": "Where several promises are missed, the contract pays one of their credits, the one worth most",
    "sum": "Where several promises are missed, the contract adds their credits up",
}
_CAPS = frozenset({"cap", "cap.policy"})
_MONEY = frozenset({"minimum", "money"})
#: A tier as contracts print it.
_INTERVAL = re.compile(r"([\[(])([\d./]+), ([\d./]+)([\])])")


def rationale(body: Mapping[str, Any]) -> list[str]:
    """From what was attained to the amount, a step a sentence."""
    objectives: Sequence[Mapping[str, Any]] = body["objectives"]
    earning = [each for each in objectives if each["credit_percent"] != "0"]
    sentences = [_attained(each, formats.period(body["period"]["label"])) for each in objectives]
    sentences += [_earned(each, body["contract"]["version"]) for each in earning]
    if len(earning) > 1:
        sentences.append(f"{_COMBINES[body['combine']]}: {formats.percent(body['uncapped_percent'])}.")
    rules: Sequence[Mapping[str, str]] = body["rules"]
    on_money = [each for each in rules if each["id"] in _MONEY or _caps_money(each, body["currency"])]
    sentences += [_sentence(each["text"]) for each in rules if each["id"] in _CAPS and each not in on_money]
    if earning:
        sentences.append(_of_the_fee(body))
    sentences += [_sentence(each["text"]) for each in on_money]
    sentences += [_sentence(each["text"]) for each in rules if each["id"].startswith("restatement.")]
    sentences.append(_end(body))
    return sentences


def _attained(objective: Mapping[str, Any], period: str) -> str:
    percent, target = formats.percent(objective["attained"]["percent"]), formats.percent(objective["target"])
    excluded = objective["excluded_minutes"]
    aside = f", after {formats.number(excluded)} agreed minutes were left aside" if excluded != "0" else ""
    kept = "the promise was kept" if objective["met"] else "the promise was not kept"
    return f"In {period}, {objective['objective']} attained {percent}{aside}; at least {target} was promised, so {kept}."


def _earned(objective: Mapping[str, Any], version: str) -> str:
    credit = formats.percent(objective["credit_percent"])
    said = (
        f"For that, version {version} of the contract gives {credit} of the fee for {objective['objective']}"
    )
    return f"{said}, {_tier(objective['tier'])}."


def _tier(tier: str) -> str:
    """``[99, 99.9)`` in words; a formula and a single value read as they are."""
    interval = interval_words(tier)
    return f"by the rule: {tier}" if interval is None else f"its credit for values {interval}"


def interval_words(tier: str) -> str | None:
    """``[99, 99.9)`` → ``from 99 % up to 99.9 %, not inclusive``; None for what is no interval."""
    match = _INTERVAL.fullmatch(tier)
    if match is None:
        return None
    opening, lower, upper, closing = match.groups()
    least = f"{'from' if opening == '[' else 'above'} {formats.percent(lower)}"
    most = f"up to {formats.percent(upper)}{', inclusive' if closing == ']' else ', not inclusive'}"
    return f"{least} {most}"


def _caps_money(rule: Mapping[str, str], currency: str) -> bool:
    return rule["id"] in _CAPS and rule["text"].endswith(currency)


def _of_the_fee(body: Mapping[str, Any]) -> str:
    fee, currency = formats.money(body["fee"], body["currency"]), body["currency"]
    product = decimal_text(Fraction(body["fee"]) * Fraction(body["percent"]) / 100)
    exact = f"{currency} {product}" if "/" in product else formats.amount(Decimal(product), currency)
    return f"{formats.percent(body['percent'])} of the fee of {fee} for the period is {exact}."


def _end(body: Mapping[str, Any]) -> str:
    amount = formats.money(body["amount"].removeprefix("-"), body["currency"])
    if body["outcome"] != "due":
        return "Nothing is proposed."
    if body["kind"] == "reversal":
        return f"{amount} is taken back."
    return f"{amount} {'more ' if body['kind'] == 'supplement' else ''}is due."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
