"""Reads a contract document (docs/formats/contract.md) into exact terms, or refuses it with every reason."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from trust_portal.errors import InvalidInput
from trust_portal.kernel.money import Money, exponent
from trust_portal.kernel.period import zone
from trust_portal.reliability.contracts.fields import Fields, load_yaml, percentage
from trust_portal.reliability.contracts.formula import parse_formula
from trust_portal.reliability.contracts.lint import lint_sla
from trust_portal.reliability.contracts.model import (
    Aggregate,
    Boundary,
    Combine,
    Contract,
    CreditPolicy,
    CrossCheck,
    Denominator,
    ExclusionTerms,
    LowerRestatement,
    MissingData,
    PeriodLength,
    Rounding,
    RoundingMode,
    Sla,
    SliceRule,
    Tier,
    Weight,
    ZeroTraffic,
)
from trust_portal.reliability.findings import Finding, Severity, Unusable

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEFAULTS = Sla(objective="", target=Fraction(0))
_RULE = re.compile(r"(?:error_ratio\s*)?(?P<sign>>=|>)\s*(?P<bound>[\d.]+\s*%?)")
_MODES = {"truncate": "down", "floor": "down", "ceil": "up", "ceiling": "up", "nearest": "half_up"}
_SLICES = {"1m": 1, "5m": 5}


def parse_contract(source: bytes | str) -> Contract:
    """The contract in a YAML document.

    Raises ``Unusable`` with one finding for each field that is missing, unknown or malformed, and for
    each defect of a tier table.
    """
    data = source.encode() if isinstance(source, str) else source
    findings: list[Finding] = []
    contract = _contract(Fields(load_yaml(data, "contract"), "$", findings), findings, data)
    refused = [finding for finding in findings if finding.severity is Severity.REFUSED]
    if refused:
        raise Unusable("contract", refused)
    return contract


def lint(contract: Contract) -> list[Finding]:
    """What is odd about a contract that was not refused: credits due although a target is met."""
    return [finding for index, sla in enumerate(contract.slas) for finding in lint_sla(sla, f"slas[{index}]")]


def _contract(fields: Fields, findings: list[Finding], source: bytes) -> Contract:
    currency = _currency(fields)
    slas = tuple(
        _sla(Fields(entry, f"slas[{index}]", findings), currency, findings)
        for index, entry in enumerate(fields.items("slas", required=True))
    )
    effective_from = fields.boundary("effective_from")
    effective_to = fields.boundary("effective_to")
    fee = fields.money("fee", currency, required=True)
    contract = Contract(
        tenant=fields.text("tenant", required=True) or "",
        version=_version(fields),
        effective_from=Boundary(effective_from) if effective_from else None,
        effective_to=Boundary(effective_to) if effective_to else None,
        fee=fee or Money(0, currency or "EUR"),
        slas=slas,
        combine=fields.choice("combine", Combine, Combine.MAX),
        exclusions=_exclusion_terms(fields, findings),
        credit_policy=_credit_policy(fields, findings, currency),
        cross_check=fields.choice("cross_check", CrossCheck, CrossCheck.OPTIONAL),
        source=source,
    )
    fields.finish()
    start, end = contract.effective_from, contract.effective_to
    if start and end and end.instant("UTC") <= start.instant("UTC"):
        fields.refuse("effective_to", "FIELD_MALFORMED", "ends before the contract takes effect")
    names = [sla.objective for sla in slas]
    for name in sorted({name for name in names if names.count(name) > 1}):
        fields.refuse("slas", "OBJECTIVE_TWICE", f"two SLAs on objective {name!r}")
    return contract


def _version(fields: Fields) -> str:
    """Stands in addresses, file names and receipts, so it is plain."""
    name = fields.text("version") or "1"
    if not _VERSION.fullmatch(name):
        fields.refuse(
            "version",
            "FIELD_MALFORMED",
            f"{name!r}: 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first",
        )
    return name


def _currency(fields: Fields) -> str | None:
    currency = fields.text("currency", required=True)
    if currency is None:
        return None
    try:
        exponent(currency)
    except InvalidInput as error:
        fields.refuse("currency", "FIELD_MALFORMED", error.message)
        return None
    return currency


def _sla(fields: Fields, currency: str | None, findings: list[Finding]) -> Sla:
    target = fields.percent("target", required=True)
    sla = Sla(
        objective=fields.text("objective", required=True) or "",
        target=target or Fraction(0),
        period=fields.choice("period", PeriodLength, _DEFAULTS.period),
        time_zone=_time_zone(fields),
        denominator=fields.choice("denominator", Denominator, _DEFAULTS.denominator),
        slice_minutes=_slice_minutes(fields),
        slice_rule=_slice_rule(fields),
        min_run=fields.integer("min_run", _DEFAULTS.min_run, least=1),
        aggregate=fields.choice("aggregate", Aggregate, _DEFAULTS.aggregate),
        zero_traffic=fields.choice("zero_traffic", ZeroTraffic, _DEFAULTS.zero_traffic),
        min_events_per_slice=fields.integer("min_events_per_slice", 0),
        missing_data=fields.choice("missing_data", MissingData, _DEFAULTS.missing_data),
        rounding=_rounding(fields, findings),
        tiers=tuple(
            _tier(Fields(entry, f"{fields.path}.tiers[{index}]", findings))
            for index, entry in enumerate(fields.items("tiers"))
        ),
        formula=None,
        minimum_credit=fields.money("minimum_credit", currency),
        cap=fields.percent("cap_percent"),
        claim_window_days=fields.integer("claim_window_days", 0) if fields.has("claim_window_days") else None,
        latency_threshold=_latency_bound(fields),
        weights=_weights(fields, findings),
    )
    formula = fields.text("formula")
    fields.finish()
    if formula is not None and sla.tiers:
        fields.refuse("formula", "TIERS_AND_FORMULA", "give tiers or a formula, not both")
    elif formula is not None and target is not None:
        try:
            sla = replace(sla, formula=parse_formula(formula, target))
        except ValueError as error:
            fields.refuse("formula", "FORMULA_MALFORMED", str(error))
    if sla.weights and sla.latency_threshold is not None:
        fields.refuse("weights", "WEIGHTS_AND_THRESHOLD", "give weights or a latency_threshold, not both")
    if target is not None and not any(finding.where.startswith(f"{fields.path}.") for finding in findings):
        findings.extend(lint_sla(sla, fields.path))
    return sla


def _time_zone(fields: Fields) -> str:
    name = fields.text("time_zone") or _DEFAULTS.time_zone
    try:
        zone(name)
    except InvalidInput as error:
        fields.refuse("time_zone", "FIELD_MALFORMED", error.message)
        return _DEFAULTS.time_zone
    return name


def _slice_minutes(fields: Fields) -> int:
    text = fields.text("slice") or "1m"
    if text not in _SLICES:
        fields.refuse("slice", "FIELD_MALFORMED", f"{text!r} is none of {', '.join(_SLICES)}")
    return _SLICES.get(text, 1)


def _slice_rule(fields: Fields) -> SliceRule:
    text = fields.text("slice_rule")
    if text is None:
        return _DEFAULTS.slice_rule
    if text == "all_fail":
        return SliceRule(None)
    match = _RULE.fullmatch(text)
    bound = match and percentage(match["bound"])
    if not match or bound is None:
        fields.refuse(
            "slice_rule", "FIELD_MALFORMED", f"{text!r} is neither all_fail nor like error_ratio > 0.05"
        )
        return _DEFAULTS.slice_rule
    threshold = bound if match["bound"].endswith("%") else bound * 100
    if threshold > 1 or (threshold == 1 and match["sign"] == ">"):
        fields.refuse("slice_rule", "FIELD_MALFORMED", "no error ratio is above 1; nothing would be down")
    if threshold == 0 and match["sign"] == ">=":
        fields.refuse("slice_rule", "FIELD_MALFORMED", "every error ratio is at least 0; all would be down")
    return SliceRule(threshold, match["sign"] == ">=")


def _rounding(fields: Fields, findings: list[Finding]) -> Rounding | None:
    value = fields.raw("rounding")
    if value in (None, "", "none", "null", "~"):
        return None
    part = Fields(value, fields.where("rounding"), findings)
    mode = part.text("mode", required=True)
    digits = part.integer("digits", 0) if part.has("digits") else None
    part.finish()
    if digits is None or digits > 12:
        part.refuse("digits", "FIELD_MALFORMED", "how many digits of the percentage to keep, 0 to 12")
        return None
    try:
        return Rounding(RoundingMode(_MODES.get(mode or "", mode or "")), digits)
    except ValueError:
        part.refuse("mode", "FIELD_MALFORMED", f"{mode!r} is none of {', '.join(RoundingMode)}")
        return None


def _tier(fields: Fields) -> Tier:
    lower = fields.percent("from")
    upper = fields.percent("to")
    credit = fields.percent("credit_percent", required=True)
    top = Fraction(1) if upper is None else upper
    tier = Tier(
        lower=lower or Fraction(0),
        lower_inclusive=fields.flag("from_inclusive", True),
        upper=top,
        upper_inclusive=fields.flag("to_inclusive", upper is None),
        credit=credit or Fraction(0),
    )
    fields.finish()
    return tier


def _latency_bound(fields: Fields) -> str | None:
    text = fields.text("latency_threshold")
    return None if text is None else _bound(fields, "latency_threshold", text)


def _weights(fields: Fields, findings: list[Finding]) -> tuple[Weight, ...]:
    weights: list[Weight] = []
    for index, entry in enumerate(fields.items("weights")):
        part = Fields(entry, f"{fields.path}.weights[{index}]", findings)
        bound = part.text("le", required=True)
        weight = part.number("weight")
        part.finish()
        if weight is None or weight > 1:
            part.refuse("weight", "FIELD_MALFORMED", "between 0 and 1 of a good request")
            continue
        if bound is not None:
            weights.append(Weight(_bound(part, "le", bound), weight))
    keys = [bound_key(weight.le) for weight in weights]
    if keys != sorted(set(keys)):
        fields.refuse("weights", "FIELD_MALFORMED", "bounds must rise from entry to entry")
    return tuple(weights)


def _bound(fields: Fields, name: str, text: str) -> str:
    """A bucket bound in seconds in its shortest spelling, so that 0.50 and 0.5 are one."""
    try:
        return canonical_bound(text)
    except ValueError:
        fields.refuse(name, "FIELD_MALFORMED", f"{text!r} is no bucket bound in seconds")
        return "+Inf"


def canonical_bound(text: str) -> str:
    """``0.50`` → ``0.5``; ``+Inf`` stays. Raises ``ValueError`` for anything that is no bound."""
    if text.lower().lstrip("+") == "inf":
        return "+Inf"
    if not re.fullmatch(r"\d{1,12}(\.\d{1,12})?|\.\d{1,12}", text):
        raise ValueError(text)
    return f"{Decimal(text).normalize():f}"


def bound_key(bound: str) -> Decimal:
    """Sorts bucket bounds."""
    return Decimal("Infinity") if bound == "+Inf" else Decimal(bound)


def _exclusion_terms(fields: Fields, findings: list[Finding]) -> ExclusionTerms:
    if not fields.has("exclusions"):
        return ExclusionTerms()
    part = Fields(fields.raw("exclusions"), "exclusions", findings)
    terms = ExclusionTerms(part.number("notice_hours") or Fraction(0), part.number("cap_hours"))
    part.finish()
    return terms


def _credit_policy(fields: Fields, findings: list[Finding], currency: str | None) -> CreditPolicy:
    if not fields.has("credit_policy"):
        return CreditPolicy()
    part = Fields(fields.raw("credit_policy"), "credit_policy", findings)
    cap, cap_amount = None, None
    if part.has("caps"):
        caps = Fields(part.raw("caps"), "credit_policy.caps", findings)
        cap, cap_amount = caps.percent("percent"), caps.money("amount", currency)
        caps.finish()
    policy = CreditPolicy(
        auto_propose=part.flag("auto_propose", False),
        approvers=part.texts("approvers"),
        cap=cap,
        cap_amount=cap_amount,
        lower_restatement=part.choice("lower_restatement", LowerRestatement, LowerRestatement.KEEP),
    )
    part.finish()
    return policy
