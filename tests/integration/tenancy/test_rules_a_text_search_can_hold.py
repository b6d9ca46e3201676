"""Rules 1, 2, 7 and 13 of docs/decisions/0003-tenancy.md, held over the whole code.

Rules 4, 8 and 14 are in test_raw_sql_names_the_tenant.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from code_text import CODE, REVISIONS, ROOT, name, strings, without_strings

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import IntakeScope, LedgerScope, StaffScope, TenantScope

#: Where the scope is made; nobody else may speak of it.
_SCOPE = ROOT / "trust_portal" / "storage"
_VOLATILE = re.compile(
    r"\b(now|clock_timestamp|random|gen_random_uuid|nextval|timeofday)\s*\(", re.IGNORECASE
)


def test_there_is_code_to_search() -> None:
    assert len(CODE) > 150
    assert len(REVISIONS) >= 5


@pytest.mark.parametrize("path", CODE, ids=name)
def test_statements_keep_to_the_rules(path: Path) -> None:
    for text in strings(path):
        assert "set_config" not in text, "rule 1: SET LOCAL, which Citus propagates"
        assert not re.search(r"\bMERGE\s+INTO\b", text, re.IGNORECASE), "rule 7"
        assert not re.search(r"\bSET\s+SESSION\b", text, re.IGNORECASE), "rule 2"
        if "app.tenant_id" in text and _SCOPE not in path.parents:
            raise AssertionError("rule 1: the scope is set by storage.tenancy alone")
        if match := re.search(r"\bDO\s+UPDATE\b(.*)", text, re.IGNORECASE | re.DOTALL):
            assert not _VOLATILE.search(match[1]), "rule 7: excluded.x and bound values only"
        if re.match(r"\s*UPDATE\b", text, re.IGNORECASE):
            assert not _VOLATILE.search(text), "rule 7: no volatile function in an UPDATE"


@pytest.mark.parametrize("path", CODE, ids=name)
def test_updates_in_python_bind_their_values(path: Path) -> None:
    """Rule 7 where SQLAlchemy writes the statement: no ``func.now()`` in what is updated."""
    for call in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if call.func.attr in {"on_conflict_do_update", "values"}:
            assert not re.search(r"func\.(now|random|gen_random_uuid|clock_timestamp)\(", ast.unparse(call))


@pytest.mark.parametrize(
    "path",
    [path for path in CODE if _SCOPE not in path.parents],
    ids=name,
)
def test_nobody_opens_a_connection_around_the_unit_of_work(path: Path) -> None:
    """Rule 2: every tenant statement is in an explicit transaction with its scope."""
    code = without_strings(path).replace(" ", "")
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


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_every_revision_begins_as_revisions_begin(path: Path) -> None:
    """Rule 13, both ways: upgrade and downgrade."""
    functions = {
        node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }
    for direction in ("upgrade", "downgrade"):
        body = [each for each in functions[direction].body if not _is_docstring(each)]
        assert ast.unparse(body[0]) == "begin_revision()", direction


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_a_revision_begins_shard_after_shard_with_guards_allowed() -> None:
    """Rule 13: what ``begin_revision`` says, and that it says it before anything else."""
    module = ast.parse((_SCOPE / "migration.py").read_text())
    (begin,) = (each for each in module.body if getattr(each, "name", None) == "begin_revision")
    said = [each.value for each in ast.walk(begin) if isinstance(each, ast.Constant) and each.value][1:]
    assert said == [
        "SET LOCAL citus.multi_shard_modify_mode = 'sequential'",
        "SET LOCAL citus.enable_unsafe_triggers = on",
    ]


def test_the_scope_is_set_by_set_local_from_a_uuid() -> None:
    """Rule 1: for every role, and a tenant's id is made from an object, never from text that came in."""
    for scope in (TenantScope(VENDOR_ID), StaffScope(), IntakeScope(), LedgerScope()):
        tenant = VENDOR_ID if isinstance(scope, TenantScope) else ""
        assert scope.statement() == f"SET LOCAL app.tenant_id = '{tenant}'; SET LOCAL ROLE {scope.role}"
    with pytest.raises(TypeError):
        TenantScope(str(VENDOR_ID)).statement()  # type: ignore[arg-type]  # what must not get through
