"""Comparing what a document claims with what its inputs lead to, string for string.

Figures, not sentences: another wording of a rule is no other result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import polars.exceptions

from trust_portal.errors import TrustPortalError
from trust_portal.evidence.verdict import Mismatch, NotRecomputable

_UNFIT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
#: Sentences about figures that stand beside them.
_IN_WORDS = frozenset({"method", "text", "message", "why", "rationale"})
_ABSENT = "(absent)"


def same_engine(
    claimed: Mapping[str, Any], file: str, *, engine: Mapping[str, Any], formats: Sequence[str]
) -> None:
    """Figures of another engine or format are not wrong: they are not for this one to judge.

    ``formats`` are those that can be judged, the newest last.
    """
    for name, ours in (("format", formats), ("engine", (dict(engine),))):
        if claimed[name] not in ours:
            raise NotRecomputable(
                f"made by {_text(claimed[name])}, this version calculates as {_text(ours[-1])}",
                file=file,
                field=name,
            )


def mismatches(file: str, claimed: Any, derived: Any, path: str = "$") -> list[Mismatch]:
    """Every figure of ``claimed`` that differs from ``derived``."""
    return [
        Mismatch(file, where, claim, figure) for where, claim, figure in _differences(path, claimed, derived)
    ]


def table_differs(file: str, claimed: bytes | None, table: bytes) -> list[Mismatch]:
    """The first line of the CSV that does not follow from the document; or that there is none (None)."""
    if claimed == table:
        return []
    if claimed is None:
        return [Mismatch(file, "", _ABSENT, f"{len(table)} bytes")]
    lines = zip_longest(claimed.split(b"\r\n"), table.split(b"\r\n"), fillvalue=_ABSENT.encode())
    number, (line, made) = next((at, pair) for at, pair in enumerate(lines, 1) if pair[0] != pair[1])
    return [Mismatch(file, f"line {number}", line.decode(errors="replace"), made.decode(errors="replace"))]


def file_in(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise NotRecomputable("is not in the bundle", file=name)
    return files[name]


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Says of whatever goes wrong inside in which file it did."""
    try:
        yield
    except TrustPortalError as error:
        raise NotRecomputable(error.message, file=name, field=error.field or "") from error
    except KeyError as error:
        raise NotRecomputable("there is no such key", file=name, field=str(error.args[0])) from error
    except (*_UNFIT, polars.exceptions.PolarsError) as error:
        raise NotRecomputable(f"not what belongs here: {error}", file=name) from error


def _differences(path: str, claimed: Any, derived: Any) -> list[tuple[str, str, str]]:
    if isinstance(claimed, Mapping) and isinstance(derived, Mapping):
        keys = [*derived, *(key for key in claimed if key not in derived)]
        keys = [key for key in keys if key not in _IN_WORDS]
        return [
            each
            for key in keys
            for each in _differences(f"{path}.{key}", claimed.get(key, _ABSENT), derived.get(key, _ABSENT))
        ]
    if _is_list(claimed) and _is_list(derived):
        longest = max(len(claimed), len(derived))
        return [
            each
            for index in range(longest)
            for each in _differences(f"{path}[{index}]", _at(claimed, index), _at(derived, index))
        ]
    if type(claimed) is type(derived) and claimed == derived:
        return []
    return [(path, _text(claimed), _text(derived))]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
