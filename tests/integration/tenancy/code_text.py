"""The code as text: what the tests of the rules search."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE = sorted(path for room in ("trust_portal", "jobs", "schema") for path in (ROOT / room).rglob("*.py"))
REVISIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))

_STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|TABLE|COPY|VALUES)\b")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def strings(path: Path) -> Iterator[str]:
    """Every string of a module that is not a docstring; what an f-string fills in is ``…``."""
    tree = ast.parse(path.read_text())
    passed_over = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed_over |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over:
            yield node.value


def statements(path: Path) -> Iterator[str]:
    """The SQL among the strings of a module: it is written with its verbs in capitals."""
    return (each for each in strings(path) if _STATEMENT.match(each))


def without_strings(path: Path) -> str:
    """A module without its comments and strings."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return " ".join(each.string for each in tokens if each.type not in {tokenize.COMMENT, tokenize.STRING})
