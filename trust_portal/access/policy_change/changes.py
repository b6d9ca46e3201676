"""What one set of policies says otherwise than another: rules by their ids, and every line. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Where a rule begins: its name above a Cedar policy, or its kind in the rules of dual control.
_RULE = re.compile(r'^@id\("([^"]+)"\)$|^([a-z_]+):$', re.MULTILINE)
_COMMENT = re.compile(r"^\s*(//|#)")


@dataclass(frozen=True, slots=True)
class FileChange:
    """``added``, ``changed`` and ``removed``: ids of rules. ``more`` and ``less``: lines; comments count."""

    name: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    more: int
    less: int

    @property
    def words(self) -> str:
        """One line: ``new: a, b; changed: c; 12 lines more, 3 less``."""
        parts = [
            f"{label}: {', '.join(ids)}"
            for label, ids in (("new", self.added), ("changed", self.changed), ("gone", self.removed))
            if ids
        ]
        return "; ".join([*parts, f"{self.more} lines more, {self.less} less"])


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[FileChange, ...]:
    """By file, in the order of names; files that are the same are left out."""
    return tuple(
        _change(name, old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def rules_of(text: str) -> dict[str, str]:
    """By id, the rules of one text, without comments and blank lines around them."""
    starts = list(_RULE.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {
        match[1] or match[2]: _bare(text[match.start() : end])
        for match, end in zip(starts, ends, strict=True)
    }


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """The whole of it as a unified diff, three lines around each change."""
    return "".join(_unified(old, new))


def _unified(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        yield from difflib.unified_diff(
            old.get(name, "").splitlines(keepends=True),
            new.get(name, "").splitlines(keepends=True),
            f"before/{name}",
            f"after/{name}",
        )


def _change(name: str, old: str, new: str) -> FileChange:
    before, after = rules_of(old), rules_of(new)
    lines = [
        line
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    return FileChange(
        name,
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(id_ for id_ in after.keys() & before.keys() if after[id_] != before[id_])),
        removed=tuple(sorted(before.keys() - after.keys())),
        more=sum(line.startswith("+") for line in lines),
        less=sum(line.startswith("-") for line in lines),
    )


def _bare(piece: str) -> str:
    return "\n".join(line for line in piece.splitlines() if line.strip() and not _COMMENT.match(line))
