"""OpenSLO v1 (https://github.com/OpenSLO/OpenSLO, spec/openslo v1) → definitions. Pure.

Read are ``SLO``, ``SLI`` and ``Service``. Measurements come in as events, so an indicator's query is
not run; its shape says whether the objective counts good of total (``ratioMetric``) or compares
with a bound (``thresholdMetric``). What cannot be honoured is refused by its name, never dropped:
alerting, rolling windows, several or composite objectives, bounds other than "at most".

Scalars are read as the text they are, so that ``0.999`` stays 999/1000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import yaml

from trust_portal.errors import InvalidInput
from trust_portal.reliability.findings import Unusable, refusal
from trust_portal.reliability.objectives.model import Definition, ObjectiveKind

_VERSION = "openslo/v1"
_KINDS = frozenset({"SLO", "SLI", "Service"})
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")
_DURATIONS = frozenset({"1M", "1Q", "3M"})
_METHODS = frozenset({"Occurrences", "Timeslices", "RatioTimeslices"})
_MAX_BYTES = 1024 * 1024


def parse_openslo(text: str) -> tuple[Definition, ...]:
    """The objectives of a multi-document file, in its order.

    ``InvalidInput`` names the document (by position and name) and the field; where several things are
    wrong it is ``Unusable``, which names them all.
    """
    if len(text.encode()) > _MAX_BYTES:
        raise InvalidInput("an OpenSLO file is at most 1 MiB", field="file")
    try:
        # BaseLoader: no tags, no types, only text, lists and mappings.
        documents = [each for each in yaml.load_all(text, Loader=yaml.BaseLoader) if each]
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"not YAML: {error}", field="file") from error
    if not documents:
        raise InvalidInput("there is no document in this file", field="file")
    wrong = _Wrong()
    parsed = []
    for index, each in enumerate(documents):
        with wrong.noted():
            parsed.append(_document(each, f"[{index}]"))
    wrong.complain()
    indicators = {each.name: each.spec for each in parsed if each.kind == "SLI"}
    services = {each.name: each.title for each in parsed if each.kind == "Service"}
    slos = [each for each in parsed if each.kind == "SLO"]
    definitions = tuple(_slo(each, indicators, services, wrong) for each in slos)
    wrong.complain()
    if not definitions:
        raise InvalidInput("there is no document of kind SLO in this file", field="file")
    keys = [each.key for each in definitions]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InvalidInput(f"defined twice: {', '.join(twice)}", field="metadata.name")
    return definitions


@dataclass(slots=True)
class _Wrong:
    """What was found wrong so far, so that one who corrects a file learns of all of it."""

    found: list[InvalidInput] = field(default_factory=list)

    @contextmanager
    def noted(self) -> Iterator[None]:
        try:
            yield
        except InvalidInput as error:
            self.found.append(error)

    def complain(self) -> None:
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise Unusable(
                "this file", [refusal(each.code, each.message, each.field or "") for each in self.found]
            )


@dataclass(frozen=True, slots=True)
class _Document:
    kind: str
    name: str
    title: str
    spec: Mapping[str, Any]
    where: str


def _document(value: object, where: str) -> _Document:
    document = _mapping(value, where)
    if document.get("apiVersion") != _VERSION:
        raise InvalidInput(f"apiVersion is {document.get('apiVersion')!r}, not {_VERSION}", field=where)
    kind = document.get("kind")
    if kind not in _KINDS:
        raise InvalidInput(f"documents of kind {kind!r} cannot be honoured here", field=f"{where}.kind")
    metadata = _mapping(document.get("metadata"), f"{where}.metadata")
    name = metadata.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("a name of letters, digits, '.', '_' and '-'", field=f"{where}.metadata.name")
    where = f"{where} {kind} {name}"
    title = _text(metadata, "displayName", f"{where}.metadata") or name
    return _Document(
        kind, name, title, _mapping(document.get("spec") or {}, f"{where}.spec"), f"{where}.spec"
    )


def _slo(
    document: _Document,
    indicators: Mapping[str, Mapping[str, Any]],
    services: Mapping[str, str],
    wrong: _Wrong,
) -> Definition:
    """The definition; of a document with anything ``wrong`` it is not to be used."""
    spec, where = document.spec, document.where
    at = f"{where}.objectives[0]"
    kind, objective, description, service = ObjectiveKind.AVAILABILITY, None, "", ""
    threshold, target = None, None
    with wrong.noted():
        if spec.get("alertPolicies"):
            raise InvalidInput("alerting is not done here", field=f"{where}.alertPolicies")
    with wrong.noted():
        if spec.get("budgetingMethod", "Occurrences") not in _METHODS:
            raise InvalidInput(f"one of {', '.join(sorted(_METHODS))}", field=f"{where}.budgetingMethod")
    with wrong.noted():
        _window(spec.get("timeWindow"), f"{where}.timeWindow")
    with wrong.noted():
        kind = _kind(_indicator(spec, indicators, where), where)
    with wrong.noted():
        description, service = _text(spec, "description", where), _text(spec, "service", where)
    with wrong.noted():
        objective = _only(spec.get("objectives"), f"{where}.objectives")
    if objective is not None:
        for composite in (
            each for each in ("indicator", "indicatorRef", "compositeWeight") if each in objective
        ):
            with wrong.noted():
                raise InvalidInput("composite objectives cannot be honoured", field=f"{at}.{composite}")
        with wrong.noted():
            threshold = _threshold(objective, at) if kind is ObjectiveKind.LATENCY else None
        with wrong.noted():
            target = _target(objective, at)
    return Definition(
        key=document.name,
        kind=kind,
        title=document.title,
        description=description,
        service=services.get(service, service),
        threshold=threshold,
        target=target,
    )


def _indicator(
    spec: Mapping[str, Any], indicators: Mapping[str, Mapping[str, Any]], where: str
) -> Mapping[str, Any]:
    if "indicatorRef" in spec:
        name = _text(spec, "indicatorRef", where)
        if name not in indicators:
            raise InvalidInput(f"there is no SLI {name!r} in this file", field=f"{where}.indicatorRef")
        return indicators[name]
    inline = _mapping(spec.get("indicator"), f"{where}.indicator")
    return _mapping(inline.get("spec"), f"{where}.indicator.spec")


def _kind(indicator: Mapping[str, Any], where: str) -> ObjectiveKind:
    has_ratio, has_threshold = "ratioMetric" in indicator, "thresholdMetric" in indicator
    if has_ratio == has_threshold:
        raise InvalidInput("one of ratioMetric and thresholdMetric", field=f"{where}.indicator.spec")
    return ObjectiveKind.AVAILABILITY if has_ratio else ObjectiveKind.LATENCY


def _window(value: object, where: str) -> None:
    if value is None:
        return
    window = _only(value, where)
    if window.get("isRolling", "false") != "false":
        raise InvalidInput("a rolling window cannot be honoured: reports are by calendar", field=where)
    if window.get("duration") not in _DURATIONS:
        raise InvalidInput("a calendar month (1M) or quarter (1Q)", field=f"{where}.duration")


def _threshold(objective: Mapping[str, Any], where: str) -> str:
    if objective.get("op") != "lte":
        raise InvalidInput("only lte: bucket bounds are inclusive upper bounds", field=f"{where}.op")
    value = objective.get("value")
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise InvalidInput("a positive number of seconds", field=f"{where}.value")
    return value


def _target(objective: Mapping[str, Any], where: str) -> str:
    """Percent, as text. OpenSLO gives ``target`` as a ratio or ``targetPercent``, never both."""
    given = [name for name in ("target", "targetPercent") if name in objective]
    if len(given) != 1:
        raise InvalidInput("one of target and targetPercent", field=where)
    text = objective[given[0]]
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise InvalidInput("a decimal number", field=f"{where}.{given[0]}")
    percent = Fraction(text) * (100 if given[0] == "target" else 1)
    if not 0 < percent <= 100:
        raise InvalidInput("above 0 and at most everything", field=f"{where}.{given[0]}")
    return _decimal(percent)


def _decimal(value: Fraction) -> str:
    """A fraction whose denominator is a power of ten, without trailing zeros."""
    whole, rest = divmod(value.numerator * 10**9 // value.denominator, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("a mapping is missing here", field=where)
    return value


def _only(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, list) or len(value) != 1:
        raise InvalidInput("exactly one entry", field=where)
    return _mapping(value[0], f"{where}[0]")


def _text(mapping: Mapping[str, Any], name: str, where: str) -> str:
    value = mapping.get(name, "")
    if not isinstance(value, str):
        raise InvalidInput("text", field=f"{where}.{name}")
    return value
