"""Reads a mapping field by field, collects every finding, and refuses what it was not asked about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from trust_portal.errors import InvalidInput
from trust_portal.kernel.money import Money
from trust_portal.kernel.text_yaml import NotYaml, load_text_yaml
from trust_portal.reliability.findings import Finding, Unusable, refusal

MAX_DOCUMENT_BYTES = 1024 * 1024
_NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?|\.\d{1,30}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})

E = TypeVar("E", bound=StrEnum)


def load_yaml(source: bytes, what: str) -> object:
    """Mappings, lists and text. Raises ``Unusable`` for anything that is not one YAML document."""
    if len(source) > MAX_DOCUMENT_BYTES:
        raise Unusable(what, [refusal("DOCUMENT_TOO_LARGE", "larger than 1 MiB", "$")])
    try:
        return load_text_yaml(source.decode())
    except (NotYaml, UnicodeDecodeError) as error:
        message = " ".join(str(error).split())
        raise Unusable(what, [refusal("DOCUMENT_MALFORMED", f"not YAML: {message}", "$")]) from error


class Fields:
    """A cursor over one mapping. A field that is wrong leaves a finding and its default."""

    def __init__(self, value: object, path: str, findings: list[Finding]) -> None:
        self.path = path
        self._findings = findings
        self._values: Mapping[str, object] = {}
        self._asked: set[str] = set()
        if isinstance(value, Mapping):
            self._values = value
        else:
            self.refuse(None, "FIELD_MALFORMED", "a mapping of fields belongs here")

    def where(self, name: str | None) -> str:
        return self.path if name is None else f"{self.path}.{name}" if self.path != "$" else name

    def refuse(self, name: str | None, code: str, message: str) -> None:
        where = self.where(name)
        self._findings.append(refusal(code, f"{where}: {message}", where))

    def has(self, name: str) -> bool:
        """Whether the field is there with a value (``field:`` with nothing behind it is absent)."""
        self._asked.add(name)
        return self._values.get(name) not in (None, "", "null", "~")

    def finish(self) -> None:
        """Refuse by name every field nobody asked about."""
        for name in self._values:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.refuse(str(name), "FIELD_UNKNOWN", f"no such field; there are {known}")

    def raw(self, name: str) -> object:
        self._asked.add(name)
        return self._values.get(name)

    def text(self, name: str, *, required: bool = False) -> str | None:
        if not self.has(name):
            if required:
                self.refuse(name, "FIELD_MISSING", "this field is required")
            return None
        value = self._values[name]
        if not isinstance(value, str):
            self.refuse(name, "FIELD_MALFORMED", "a single value belongs here")
            return None
        return value.strip()

    def number(self, name: str) -> Fraction | None:
        """A plain, non-negative decimal number."""
        text = self.text(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text):
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is no plain number of zero or more")
            return None
        return Fraction(text)

    def percent(self, name: str, *, required: bool = False) -> Fraction | None:
        """``99.9``, ``"99.9"`` or ``99.9%`` as a fraction of one, between 0 and 100 %."""
        text = self.text(name, required=required)
        if text is None:
            return None
        value = percentage(text)
        if value is None or value > 1:
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is no percentage between 0 and 100")
            return None
        return value

    def integer(self, name: str, default: int, *, least: int = 0) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is no whole number of {least} or more")
            return default
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in _TRUE | _FALSE:
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is neither true nor false")
            return default
        return text.lower() in _TRUE

    def choice(self, name: str, kind: type[E], default: E) -> E:
        text = self.text(name)
        if text is None:
            return default
        try:
            return kind(text)
        except ValueError:
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is none of {', '.join(kind)}")
            return default

    def money(self, name: str, currency: str | None, *, required: bool = False) -> Money | None:
        text = self.text(name, required=required)
        if text is None or currency is None:
            return None
        text = text.removesuffix(currency).strip()
        if not _NUMBER.fullmatch(text):
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is no amount of zero or more")
            return None
        try:
            return Money.parse(text, currency)
        except InvalidInput as error:
            self.refuse(name, "FIELD_MALFORMED", error.message)
            return None

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        """An RFC 3339 instant with its offset."""
        text = self.text(name, required=required)
        if text is None:
            return None
        value = instant(text)
        if value is None:
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is no RFC 3339 time with a zone")
        return value

    def boundary(self, name: str) -> date | datetime | None:
        """A date or an instant."""
        text = self.text(name)
        if text is None:
            return None
        try:
            value = date.fromisoformat(text) if _DATE.fullmatch(text) else instant(text)
        except ValueError:
            value = None
        if value is None:
            self.refuse(name, "FIELD_MALFORMED", f"{text!r} is neither a date nor an RFC 3339 time")
        return value

    def items(self, name: str, *, required: bool = False) -> list[object]:
        if not self.has(name):
            if required:
                self.refuse(name, "FIELD_MISSING", "this list is required")
            return []
        value = self._values[name]
        if not isinstance(value, list) or (required and not value):
            self.refuse(name, "FIELD_MALFORMED", "a list with at least one entry belongs here")
            return []
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        if not all(isinstance(value, str) and value for value in values):
            self.refuse(name, "FIELD_MALFORMED", "a list of names belongs here")
            return ()
        return tuple(str(value) for value in values)


def percentage(text: str) -> Fraction | None:
    """``99.9`` with or without a percent sign as a fraction of one; ``None`` for anything else."""
    bare = text.strip().removesuffix("%").strip()
    return Fraction(bare) / 100 if _NUMBER.fullmatch(bare) else None


def instant(text: str) -> datetime | None:
    """RFC 3339 with an offset; ``None`` for anything else."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo is not None else None
