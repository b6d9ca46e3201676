"""Playbooks: what may be done about which anomaly, how it is verified, and within which limits.

They are a text (``playbooks.yaml``, or the operator's own file), read once. Its digest is in the
receipts of everything that was planned from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from trust_portal.cost.detection.model import Reason, Severity
from trust_portal.cost.explanation.evidence import LinkKind, Strength
from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.money import Money
from trust_portal.kernel.text_yaml import NotYaml, load_text_yaml

_LARGEST_FILE: Final = 256 * 1024

Whole = Annotated[int, Meta(ge=1, le=100_000)]
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,59}$")]


def _between(value: Decimal, least: Decimal, most: Decimal, name: str) -> None:
    if not (value.is_finite() and least <= value <= most):
        raise ValueError(f"{name} lies between {least} and {most}")


def _decimal(text: str, name: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:
        raise ValueError(f"{name} is a decimal number") from error


class ControlAction(StrEnum):
    """What the product can be asked to do (docs/formats/control-calls.md)."""

    THROTTLE_EXPORTS = "throttle_exports"
    PAUSE_RAMP = "pause_ramp"
    SET_RETENTION_TIER = "set_retention_tier"
    ENABLE_CACHE = "enable_cache"
    MOVE_TO_DEDICATED_POOL = "move_to_dedicated_pool"

    @property
    def reverse(self) -> str | None:
        """The action that takes it back; a proposal is never done, so nothing takes it back."""
        return _REVERSE.get(self)


_REVERSE: Final = {
    ControlAction.THROTTLE_EXPORTS: "unthrottle_exports",
    ControlAction.PAUSE_RAMP: "resume_ramp",
    ControlAction.SET_RETENTION_TIER: "restore_retention_tier",
    ControlAction.ENABLE_CACHE: "disable_cache",
}


class Mode(StrEnum):
    """How a plan goes on by itself.

    ``approval``: approval is asked for at once. ``automatic``: it is done where policy permits that
    without approval, else approval is asked for. ``recommend``: somebody has to ask. ``propose``: it is never done.
    """

    APPROVAL = "approval"
    AUTOMATIC = "automatic"
    RECOMMEND = "recommend"
    PROPOSE = "propose"


class Trigger(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which anomalies it is for.

    ``severity``: or worse. ``burn_rate``: actual over expected, at least. ``share``: of the excess that
    the part acted upon carries, at least. ``excess``: in major units of the anomaly's currency.
    """

    kinds: tuple[Reason, ...]
    severity: Severity = Severity.LOW
    burn_rate: Decimal = Decimal(1)
    share: Decimal = Decimal(0)
    excess: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("a trigger names at least one kind of anomaly")
        _between(self.share, Decimal(0), Decimal(1), "share")
        _between(self.burn_rate, Decimal(0), Decimal(1000), "burn_rate")
        _between(self.excess, Decimal(0), Decimal(10) ** 15, "excess")


class Match(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What of an explanation it can act upon. All that is named has to be there.

    ``operation``: a word in the name of an operation among the causes or drivers. ``link``: something
    of that kind that fits at least so well.
    """

    subsystems: tuple[str, ...] = ()
    operation: str | None = None
    link: LinkKind | None = None
    strength: Strength = Strength.STRONG

    def __post_init__(self) -> None:
        if strange := set(self.subsystems) - set(SUBSYSTEMS):
            raise ValueError(f"no such subsystem: {', '.join(sorted(strange))}")


class Verify(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How it is checked that cost really came down.

    ``hours``: closed hours after the act. ``reduction``: of the excess per hour, at least.
    """

    hours: Annotated[int, Meta(ge=1, le=168)]
    reduction: Decimal

    def __post_init__(self) -> None:
        _between(self.reduction, Decimal("0.01"), Decimal(1), "reduction")


class Health(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When the tenant suffers: an objective's error ratio since the act exceeds that of the
    ``before_minutes`` before by more than ``rise``, over at least ``events`` events.
    """

    before_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    rise: Decimal = Decimal("0.01")
    events: Whole = 100

    def __post_init__(self) -> None:
        _between(self.rise, Decimal(0), Decimal(1), "rise")


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it may do, over all tenants.

    ``tenants_per_run``: how many tenants it may act on within a day, whatever the targets.
    ``money_per_day``: what the usage acted upon may cost a day, by currency; none named, none allowed.
    """

    actions_per_hour: Whole = 2
    tenants_per_run: Whole = 3
    money_per_day: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        for currency, amount in self.money_per_day.items():
            try:
                Money.parse(amount, currency)
            except InvalidInput as error:
                raise ValueError(error.message) from error

    def money(self, currency: str) -> int | None:
        """In minor units; ``None`` where no limit is set."""
        amount = self.money_per_day.get(currency)
        return None if amount is None else Money.parse(amount, currency).minor


class Playbook(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of them.

    ``parameters`` go to the product as they are, but for ``headroom``, which throttling multiplies the
    usual quantity by. ``saves``: the share of the excess that is expected to go. ``by_hand``: it
    is not planned unless somebody asks. A plan that nobody acted upon lapses after
    ``plan_lasts_hours``; a call that was not confirmed is given up after ``call_lasts_minutes``.
    """

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    action: ControlAction
    mode: Mode
    trigger: Trigger
    verify: Verify
    match: Match = Match()
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict)
    saves: Decimal = Decimal(1)
    health: Health = Health()
    limits: Limits = msgspec.field(default_factory=Limits)
    cool_down_minutes: Annotated[int, Meta(ge=0, le=43_200)] = 60
    plan_lasts_hours: Annotated[int, Meta(ge=1, le=168)] = 12
    call_lasts_minutes: Annotated[int, Meta(ge=1, le=1440)] = 10
    horizon_hours: Annotated[int, Meta(ge=1, le=720)] = 24
    by_hand: bool = False

    def __post_init__(self) -> None:
        _between(self.saves, Decimal("0.01"), Decimal(1), "saves")
        _between(self.headroom, Decimal("0.01"), Decimal(100), "parameters.headroom")
        if (self.action is ControlAction.MOVE_TO_DEDICATED_POOL) != (self.mode is Mode.PROPOSE):
            raise ValueError("a move to a dedicated pool is proposed, and nothing else is")

    @property
    def headroom(self) -> Decimal:
        return _decimal(self.parameters.get("headroom", "1"), "parameters.headroom")


class _House(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    actions_per_hour: Whole


class _Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    limits: _House
    playbooks: Mapping[Id, object]


@dataclass(frozen=True, slots=True)
class Playbooks:
    """All of them by id, the text they come from, and its SHA-256 in hex.

    ``actions_per_hour``: of all playbooks together, over all tenants.
    """

    by_id: Mapping[str, Playbook]
    actions_per_hour: int
    text: str
    digest: str

    def get(self, id: str) -> Playbook:
        """``InvalidInput`` (field ``playbook``) where there is none."""
        if id not in self.by_id:
            raise InvalidInput(f"there is no playbook {id!r}", field="playbook")
        return self.by_id[id]


def load_playbooks(path: Path | None = None) -> Playbooks:
    """The operator's file, or the one that is shipped. ``InvalidInput`` (field ``PLAYBOOKS``) names what is wrong."""
    source = files("trust_portal.cost.remediation") / "playbooks.yaml" if path is None else path
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(f"{path} cannot be read: {error}") from error
    return parse_playbooks(text)


@lru_cache(maxsize=4)
def parse_playbooks(text: str) -> Playbooks:
    """``InvalidInput`` (field ``PLAYBOOKS``) naming place and reason."""
    if len(text.encode()) > _LARGEST_FILE:
        raise _refused(f"playbooks have at most {_LARGEST_FILE // 1024} KiB")
    try:
        document = msgspec.convert(load_text_yaml(text), _Document, strict=False)
    except NotYaml as error:
        raise _refused(f"the playbooks are no YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise _refused(f"the playbooks do not fit: {error}") from error
    found: dict[str, Playbook] = {}
    for name, raw in document.playbooks.items():
        try:
            found[name] = msgspec.convert(raw, Playbook, strict=False)
        except msgspec.ValidationError as error:
            raise _refused(f"the playbook {name} does not fit: {error}") from error
    return Playbooks(found, document.limits.actions_per_hour, text, sha256_hex(text.encode()))


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="PLAYBOOKS")
