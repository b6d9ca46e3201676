"""The ``formula`` of a contract: a sentence with one meaning, read by a grammar of one rule.

    formula  = percent "per" [ "started" | "full" ] percent "below" ( "target" | percent ) [ "up to" percent ]

``5% per started 0.1% below target up to 50%``: each begun tenth of a percent counts whole. ``full``
counts finished steps only; with neither the credit is proportional.
"""

from __future__ import annotations

import re
from fractions import Fraction

from trust_portal.reliability.contracts.fields import percentage
from trust_portal.reliability.contracts.model import Counting, Formula

_FORMULA = re.compile(
    r"(?P<credit>\S+) per (?:(?P<counting>started|full) )?(?P<step>\S+) "
    r"below (?:the )?(?P<below>target|\S+)(?: up to (?P<up_to>\S+))?"
)


def parse_formula(text: str, target: Fraction) -> Formula:
    """Raises ``ValueError`` with the reason, in words for the author of the contract."""
    sentence = re.sub(r"\s+%", "%", " ".join(text.split()).lower())
    match = _FORMULA.fullmatch(sentence)
    if match is None:
        raise ValueError(
            f"{text!r} is not understood; write it like '5% per started 0.1% below target up to 50%'"
        )
    return Formula(
        credit=_percent(match["credit"]),
        counting=Counting(match["counting"] or Counting.EXACT),
        step=_positive(match["step"]),
        below=target if match["below"] == "target" else _percent(match["below"]),
        up_to=None if match["up_to"] is None else _percent(match["up_to"]),
    )


def _percent(text: str) -> Fraction:
    value = percentage(text)
    if value is None or value > 1:
        raise ValueError(f"{text!r} is no percentage between 0 and 100")
    return value


def _positive(text: str) -> Fraction:
    value = _percent(text)
    if value == 0:
        raise ValueError("a step of 0% is never passed")
    return value
