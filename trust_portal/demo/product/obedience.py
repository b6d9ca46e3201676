"""How control calls are answered: what each changes, from what, and what stands against it. No IO.

``docs/formats/control-calls.md`` says what crosses the border. A key is obeyed once: asked again, the
first answer is given again. A reverse takes back what the call that it names did; a call that was
taken back before it came is never obeyed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from trust_portal.demo.product.controls import Controls, Knob, Setting
from trust_portal.demo.product.exports import FLAG, percentage
from trust_portal.demo.scene import BRIGHTWATER, CUSTOMERS, KESTREL
from trust_portal.demo.script import Script

APPLIED: Final = "applied"
REFUSED: Final = "refused"
TIERS: Final = ("hot", "cold", "archive")
_EVERYBODY: Final = frozenset(each.key for each in CUSTOMERS)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a control call; members that have no name here are let pass."""

    action: str
    tenant: str
    target: dict[str, str]
    parameters: dict[str, str | None]
    dry_run: bool
    idempotency_key: str
    expires_at: datetime
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. A refusal has a ``reason`` instead of an effect."""

    state: str
    effect: Mapping[str, str | None] = field(default_factory=dict)
    previous: Mapping[str, str | None] = field(default_factory=dict)
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        said = {"state": self.state, "effect": dict(self.effect), "previous": dict(self.previous)}
        return said if self.reason is None else {**said, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class _Way:
    """How an action works: its knob, what in ``target`` names a subject, and who has which subject."""

    knob: Knob
    named_by: str
    subjects: Mapping[str, frozenset[str]]
    units: tuple[str, ...] = ("",)


_WAYS: Final[Mapping[str, _Way]] = {
    "throttle_exports": _Way(
        Knob.LIMIT, "operation", {"export": _EVERYBODY}, units=("gigabytes", "core-seconds")
    ),
    "pause_ramp": _Way(Knob.PERCENTAGE, "flag", {FLAG: frozenset({BRIGHTWATER.key})}),
    "set_retention_tier": _Way(
        Knob.TIER,
        "resource",
        {
            "object-store": _EVERYBODY,
            "archive": frozenset({BRIGHTWATER.key}),
            "scratch": frozenset({KESTREL.key}),
        },
    ),
    "enable_cache": _Way(Knob.CACHE, "adapter", {"erp-sync": _EVERYBODY}),
}
_REVERSES: Final = {
    "unthrottle_exports": "throttle_exports",
    "resume_ramp": "pause_ramp",
    "restore_retention_tier": "set_retention_tier",
    "disable_cache": "enable_cache",
}


class Obedience:
    """Remembers every key, and holds what counts now in ``controls``."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._calls: dict[str, tuple[Call, Answer]] = {}
        self._never: set[str] = set()
        self.controls = Controls()

    def is_known(self, call: Call) -> bool:
        return call.idempotency_key in self._calls

    def obey(self, call: Call, at: datetime) -> Answer:
        """The answer to ``call``, which came ``at``. A dry run changes and remembers nothing."""
        if self.is_known(call):
            first, answer = self._calls[call.idempotency_key]
            return answer if first == call else _refused("this key belonged to another call")
        answer, controls = self._judge(call, at)
        if not call.dry_run:
            self._calls[call.idempotency_key] = call, answer
            self.controls = controls
            if call.reverses is not None and answer.state == APPLIED:
                self._never.add(call.reverses)
        return answer

    def _judge(self, call: Call, at: datetime) -> tuple[Answer, Controls]:
        if call.expires_at <= at:
            return _refused(f"it expired at {call.expires_at.isoformat()}"), self.controls
        if call.idempotency_key in self._never:
            return _refused("it was taken back before it came"), self.controls
        if call.action in _REVERSES:
            return self._take_back(call, at)
        if call.action in _WAYS:
            return self._set(call, _WAYS[call.action], at)
        return _refused(f"there is no {call.action} here"), self.controls

    def _set(self, call: Call, way: _Way, at: datetime) -> tuple[Answer, Controls]:
        subject, unit = call.target.get(way.named_by, ""), call.parameters.get("unit") or ""
        value = call.parameters.get(way.knob.value)
        if call.tenant not in way.subjects.get(subject, frozenset()):
            return _refused(f"{call.tenant or 'nobody'} has no {way.named_by} {subject!r}"), self.controls
        if unit not in way.units:
            return _refused(f"{call.action} counts in {' or '.join(way.units)}, not {unit!r}"), self.controls
        if value is None or not _fits(way.knob, value):
            return _refused(f"{way.knob.value} cannot be {value!r}"), self.controls
        setting = Setting(call.idempotency_key, at, call.tenant, way.knob, subject, unit, value)
        after = self.controls.with_setting(setting)
        return self._changed(setting, after, at), after

    def _take_back(self, call: Call, at: datetime) -> tuple[Answer, Controls]:
        """Where the call that is named did nothing, or was taken back already, nothing is to be done."""
        setting = next((each for each in self.controls.settings if each.key == call.reverses), None)
        if setting is None or setting.ended is not None:
            return Answer(APPLIED), self.controls
        done, _ = self._calls[setting.key]
        if (_REVERSES[call.action], call.tenant) != (done.action, done.tenant):
            return _refused(f"{call.action} does not take back {done.action}"), self.controls
        after = self.controls.without(setting.key, at)
        return self._changed(setting, after, at), after

    def _changed(self, setting: Setting, after: Controls, at: datetime) -> Answer:
        unit = {"unit": setting.unit} if setting.unit else {}
        return Answer(
            APPLIED,
            {setting.knob.value: self._shown(setting, after, at), **unit},
            {setting.knob.value: self._shown(setting, self.controls, at), **unit},
        )

    def _shown(self, setting: Setting, controls: Controls, at: datetime) -> str | None:
        if setting.knob is Knob.PERCENTAGE:
            return str(percentage(self._script, controls, at))
        return controls.value(setting.tenant, setting.knob, setting.subject, at, setting.unit)


def _fits(knob: Knob, value: str) -> bool:
    if knob is Knob.TIER:
        return value in TIERS
    if not (value.isascii() and len(value) <= 20):
        return False
    try:
        number = Decimal(value)
    except ArithmeticError:
        return False
    return number.is_finite() and 0 <= number <= (100 if knob is Knob.PERCENTAGE else 10**9)


def _refused(reason: str) -> Answer:
    return Answer(REFUSED, reason=reason)
