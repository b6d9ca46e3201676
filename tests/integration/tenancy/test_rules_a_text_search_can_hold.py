"""Rules 1, 2, 4, 7, 8 and 13 of docs/decisions/0003-tenancy.md, held over the whole code."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_CODE = sorted(path for room in ("trust_portal", "jobs", "schema") for path in (_ROOT / room).rglob("*.py"))
_REVISIONS = sorted((_ROOT / "migrations" / "versions").glob("*.py"))
#: Where the scope is made; nobody else may speak of it.
_SCOPE = _ROOT / "trust_portal" / "storage"
_VOLATILE = re.compile(
    r"\b(now|clock_timestamp|random|gen_random_uuid|nextval|timeofday)\s*\(", re.IGNORECASE
)


def _sql(path: Path) -> Iterator[str]:
    """Every string of a module that is not a docstring: where SQL lives."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def _code(path: Path) -> str:
    """A module without its comments and strings."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return " ".join(each.string for each in tokens if each.type not in {tokenize.COMMENT, tokenize.STRING})


def test_there_is_code_to_search() -> None:
    assert len(_CODE) > 150
    assert len(_REVISIONS) >= 5


@pytest.mark.parametrize("path", _CODE, ids=lambda path: str(path.relative_to(_ROOT)))
def test_statements_keep_to_the_rules(path: Path) -> None:
    for text in _sql(path):
        assert "set_config" not in text, "rule 1: SET LOCAL, which Citus propagates"
        assert not re.search(r"\bMERGE\s+INTO\b", text, re.IGNORECASE), "rule 7"
        assert not re.search(r"\bSET\s+SESSION\b", text, re.IGNORECASE), "rule 2"
        if "app.tenant_id" in text and _SCOPE not in path.parents:
            raise AssertionError("rule 1: the scope is set by storage.tenancy alone")
        if match := re.search(r"\bDO\s+UPDATE\b(.*)", text, re.IGNORECASE | re.DOTALL):
            assert not _VOLATILE.search(match[1]), "rule 7: excluded.x and bound values only"
        if re.match(r"\s*UPDATE\b", text, re.IGNORECASE):
            assert not _VOLATILE.search(text), "rule 7: no volatile function in an UPDATE"


@pytest.mark.parametrize("path", _CODE, ids=lambda path: str(path.relative_to(_ROOT)))
def test_updates_in_python_bind_their_values(path: Path) -> None:
    """Rule 7 where SQLAlchemy writes the statement: no ``func.now()`` in what is updated."""
    for call in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if call.func.attr in {"on_conflict_do_update", "values"}:
            assert not re.search(r"func\.(now|random|gen_random_uuid|clock_timestamp)\(", ast.unparse(call))


@pytest.mark.parametrize(
    "path",
    [path for path in _CODE if _SCOPE not in path.parents],
    ids=lambda path: str(path.relative_to(_ROOT)),
)
def test_nobody_opens_a_connection_around_the_unit_of_work(path: Path) -> None:
    """Rule 2: every tenant statement is in an explicit transaction with its scope."""
    code = _code(path).replace(" ", "")
    allowed = {
        "evidence/sequencer.py": "holds one connection for its seat, and opens each group's scope itself",
        "evidence/proof_desk.py": "LISTENs; reads no table through it",
        "commands/doctor.py": "asks the server for version and roles",
        "runtime/embedded/postgres.py": "the cluster's superuser makes the login and its database",
    }
    if any(str(path).endswith(each) for each in allowed):
        return
    assert "engine.connect(" not in code
    assert "engine.begin(" not in code
    assert "asyncpg.connect(" not in code


@pytest.mark.parametrize("path", _REVISIONS, ids=lambda path: path.stem)
def test_every_revision_begins_as_revisions_begin(path: Path) -> None:
    """Rule 13, both ways: upgrade and downgrade."""
    functions = {
        node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }
    for name in ("upgrade", "downgrade"):
        body = [each for each in functions[name].body if not _is_docstring(each)]
        assert ast.unparse(body[0]) == "begin_revision()", name


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
