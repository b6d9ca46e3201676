"""Rules 4, 8 and 14 of docs/decisions/0003-tenancy.md where ``require_tenant_filter`` does not look:
SQL written out for the driver, and what staff reads over all tenants.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from adversary import OWNED
from code_text import CODE, ROOT, name, statements, without_strings

#: Statements over all tenants, and why each may be: by module and by the tables not bound.
OVER_ALL = {
    ("trust_portal/cost/anomalies/states.py", frozenset({"metering_progress", "tenants"})): (
        "whose hour is to be closed, of all tenants"
    ),
    ("trust_portal/evidence/audit.py", frozenset({"artefacts", "logs", "receipts"})): (
        "which tenants have evidence: the audit leaves nobody out"
    ),
    ("trust_portal/evidence/key_turnover.py", frozenset({"checkpoints", "logs"})): (
        "how long every log is at the moment at which a key turns or retires"
    ),
    ("trust_portal/evidence/log_check.py", frozenset({"checkpoints", "log_entries", "logs"})): (
        "which tenants have a log: the sequencer checks all before it extends any"
    ),
    ("trust_portal/evidence/log_check.py", frozenset({"receipts"})): "how many receipts each log must hold",
    (
        "trust_portal/trust/compliance/repository.py",
        frozenset({"compliance_evaluations", "receipts", "tenants"}),
    ): "whose evaluation is due: the clockwork leaves nobody out",
}
#: Who reads as staff, and why; everybody else stays in one tenant's scope.
READS_AS_STAFF = {
    "trust_portal/access/access_log/service.py": "staff reads a customer's rows, and writes the access down",
    "trust_portal/access/approvals/reading.py": "staff lists and counts the requests of all tenants",
    "trust_portal/access/break_glass/reviewing.py": "which emergency access of all tenants is over and not reviewed",
    "trust_portal/access/break_glass/service.py": "staff lists the emergency access to all tenants",
    "trust_portal/access/passkeys/revoking.py": "which tenants' logs know a passkey that was revoked",
    "trust_portal/access/people/service.py": "staff looks at people of any tenant",
    "trust_portal/access/sessions/retention.py": "whose sign-ins are over, tenant by tenant",
    "trust_portal/access/sessions/service.py": "for which tenants somebody of the vendor has broken the glass",
    "trust_portal/access/sign_in/oidc_sign_in.py": "a subject's tenant is looked up before it is known",
    "trust_portal/access/sign_in/personas.py": "the demo lists the personas of all tenants",
    "trust_portal/access/tenants/service.py": "the list of tenants",
    "trust_portal/access/tokens/service.py": "for which tenants the holder of a token has broken the glass",
    "trust_portal/commands/doctor.py": "the keys of customers for whom a round of the workers fails",
    "trust_portal/cost/anomalies/backtest.py": "a trial over the tenants named",
    "trust_portal/cost/anomalies/closing.py": "closes an hour for all tenants at once",
    "trust_portal/cost/anomalies/service.py": "staff lists the anomalies of all tenants",
    "trust_portal/cost/anomalies/suppressions.py": "staff lists the suppressions of all tenants",
    "trust_portal/cost/budgets/alerting.py": "budgets of all tenants are looked at after an hour is closed",
    "trust_portal/cost/explanation/service.py": "staff explains an anomaly of any tenant, and that is written down",
    "trust_portal/cost/kpis/service.py": "figures over all tenants",
    "trust_portal/cost/metering/focus.py": "which rows of an export over several tenants are known",
    "trust_portal/cost/remediation/reading.py": "staff lists the runs of all tenants",
    "trust_portal/cost/remediation/service.py": "which runs of all tenants are under way",
    "trust_portal/cost/remediation/switches.py": "a tenant's kill switch beside the vendor's",
    "trust_portal/cost/trials/backtesting.py": "a back-test over the tenants named, or over the busiest",
    "trust_portal/cost/trials/reading.py": "what the detectors found in all tenants, side by side",
    "trust_portal/cost/trials/service.py": "a tenant's flags beside the vendor's",
    "trust_portal/evidence/audit.py": "checks the logs of all tenants",
    "trust_portal/evidence/reproduction.py": "makes the stored bundles of all tenants again, for the audit",
    "trust_portal/learning/incidents/assigning.py": "which customers an incident names, as its new part does",
    "trust_portal/learning/incidents/receiving.py": "which customers the rules of a pager name",
    "trust_portal/learning/incidents/retracting.py": "names of the customers that approvers leave out",
    "trust_portal/learning/incidents/service.py": "which customers an incident names, and which it can name",
    "trust_portal/learning/postmortems/reading.py": "an incident's facts at every customer it touched, in one snapshot",
    "trust_portal/learning/postmortems/releasing.py": "names of other customers, which a copy must not show",
    "trust_portal/learning/postmortems/writing.py": "the same, as it is frozen for review",
    "trust_portal/reliability/credits/service.py": "staff lists the credits of all tenants",
    "trust_portal/reliability/forecast/service.py": "a tenant's running month and the vendor's maintenance in one snapshot",
    "trust_portal/reliability/objectives/directory.py": "which objectives that events of all tenants name are defined",
    "trust_portal/reliability/reports/inputs.py": "a tenant's rows and the vendor's maintenance in one snapshot",
    "trust_portal/reliability/reports/staff.py": "the reports of all tenants",
    "trust_portal/reliability/reports/what_if.py": "a past month by other words, with the vendor's maintenance in the same snapshot",
    "trust_portal/reliability/runs/completion.py": "who is covered by a run",
    "trust_portal/reliability/runs/service.py": "a run covers all tenants",
    "trust_portal/storage/tenancy.py": "where the scope is made",
    "trust_portal/storage/unit_of_work.py": "refuses to write in it; asks whether the database answers",
    "trust_portal/trust/accounts/service.py": "every account in one list",
    "trust_portal/trust/batches/completion.py": "who is covered by a batch",
    "trust_portal/trust/batches/service.py": "a batch covers all tenants",
    "trust_portal/trust/compliance/service.py": "controls of all tenants at one moment, and the vendor's beside a customer's",
    "trust_portal/trust/posture/service.py": "which customers are to be looked at",
    "trust_portal/trust/qbr/service.py": "a tenant's rows and the vendor's incidents in one snapshot",
    "trust_portal/trust/report/service.py": "a tenant's rows and the vendor's incidents in one snapshot",
}
_TABLES = "|".join(sorted(OWNED, key=len, reverse=True))
_READ = re.compile(rf"\b(?:FROM|JOIN|UPDATE|USING)\s+({_TABLES})\b(?:\s+(?:AS\s+)?([a-z]\w*))?")
_WRITTEN = re.compile(rf"\bINTO\s+({_TABLES})\b\s*(\([^)]*\))?")


_VALUE = re.compile(r"\btenant_id\s*(?:=\s*(?:\$|:|ANY\b|…)|IN\b)")
_LINK = re.compile(r"\b(\w+)\.tenant_id\s*=\s*(\w+)\.tenant_id\b")
_NO_ALIAS = {
    "where",
    "set",
    "order",
    "on",
    "using",
    "join",
    "group",
    "limit",
    "select",
    "returning",
    "values",
}


def unbound(statement: str) -> list[str]:
    """Tenants' tables that a statement reads or changes without a condition on their ``tenant_id``.

    A condition is a value, or a link to a table that has one; links among tenants' tables alone are
    every tenant.
    """
    read = [
        (table, table if alias.lower() in _NO_ALIAS else alias or table)
        for table, alias in _READ.findall(statement)
    ]
    own = {alias for _, alias in read}
    links = _LINK.findall(statement)
    anchored = _VALUE.search(statement) or any(not {left, right} <= own for left, right in links)
    linked = {side for link in links for side in link}
    found = []
    for table, alias in read:
        named = re.search(rf"\b{alias}\.tenant_id\s*(?:=|IN\b)|(?<![.\w])tenant_id\s*(?:=|IN\b)", statement)
        if not anchored or not (named or alias in linked):
            found.append(table)
    return found + [table for table, columns in _WRITTEN.findall(statement) if "tenant_id" not in columns]


def test_the_search_finds_what_it_is_for() -> None:
    assert unbound("SELECT * FROM receipts WHERE id = $1") == ["receipts"]
    assert unbound("SELECT * FROM receipts r JOIN people p ON p.id = r.id WHERE r.tenant_id = $1") == [
        "people"
    ]
    assert unbound("INSERT INTO receipts (id) VALUES ($1)") == ["receipts"]
    assert unbound("SELECT * FROM people p JOIN tenants t ON t.tenant_id = p.tenant_id") == [
        "people",
        "tenants",
    ]
    assert unbound("SELECT * FROM receipts WHERE tenant_id = $1") == []
    assert unbound("DELETE FROM receipts AS r USING due d WHERE r.tenant_id = d.tenant_id") == []


def test_raw_sql_binds_every_tenants_table() -> None:
    """Rule 4."""
    found = {
        (name(path), frozenset(tables))
        for path in CODE
        for statement in statements(path)
        if (tables := unbound(statement))
    }
    assert found == set(OVER_ALL)


@pytest.mark.parametrize("path", CODE, ids=name)
def test_bulk_load_goes_through_temporary_tables(path: Path) -> None:
    """Rule 8: COPY into a temporary table; from there ON CONFLICT or RETURNING."""
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call):
            continue
        called = ast.unparse(call.func).rpartition(".")[2]
        if called in {"copy_rows", "copy_to_table", "copy_records_to_table"}:
            schemas = [each.value for each in call.keywords if each.arg in {"schema", "schema_name"}]
            # The encoder of rows hands on what its callers say, and those are looked at too.
            assert [ast.unparse(each) for each in schemas] in (["'pg_temp'"], ["schema"]), ast.unparse(call)
    for statement in statements(path):
        for insert in re.findall(r"\bINSERT INTO\s+\w+\s*(?:\([^)]*\))?\s*SELECT\b.*", statement, re.DOTALL):
            assert "ON CONFLICT" in insert or "RETURNING" in insert, statement


def test_who_reads_as_staff_is_known_with_the_reason() -> None:
    """Rule 14."""
    found = {name(path) for path in CODE if re.search(r"\bStaffScope\b", without_strings(path))}
    assert found == set(READS_AS_STAFF)
    assert all((ROOT / each).is_file() for each in READS_AS_STAFF)
