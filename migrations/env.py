"""Alembic's entry: one connection, one advisory lock, every table of the house."""

from __future__ import annotations

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from trust_portal.access import tables as access
from trust_portal.access.approvals import tables as approvals
from trust_portal.access.audits import tables as audits
from trust_portal.access.break_glass import tables as break_glass
from trust_portal.access.passkeys import tables as passkeys
from trust_portal.access.policy_change import tables as policy_change
from trust_portal.cost.anomalies import tables as anomalies
from trust_portal.cost.budgets import tables as budgets
from trust_portal.cost.metering import tables as metering
from trust_portal.cost.remediation import tables as remediation
from trust_portal.cost.trials import tables as trials
from trust_portal.evidence import tables as evidence
from trust_portal.facts import tables as facts
from trust_portal.learning.actions import tables as actions
from trust_portal.learning.incidents import tables as incidents
from trust_portal.learning.postmortems import tables as postmortems
from trust_portal.learning.switchboard import tables as switchboard
from trust_portal.learning.workplaces import tables as workplaces
from trust_portal.notify import tables as notify
from trust_portal.reliability.contracts import tables as contracts
from trust_portal.reliability.credits import tables as credit_tables
from trust_portal.reliability.crosscheck import tables as cross_checks
from trust_portal.reliability.exclusions import tables as exclusion_tables
from trust_portal.reliability.forecast import tables as forecast_tables
from trust_portal.reliability.objectives import repository as objectives
from trust_portal.reliability.reports import tables as reports
from trust_portal.reliability.runs import tables as runs
from trust_portal.storage import outbox, rounds
from trust_portal.storage.engine import create_engine
from trust_portal.storage.metadata import metadata
from trust_portal.trust.accounts import tables as accounts
from trust_portal.trust.batches import tables as trust_batches
from trust_portal.trust.compliance import tables as compliance
from trust_portal.trust.notes import tables as trust_notes
from trust_portal.trust.posture import tables as posture
from trust_portal.trust.qbr import tables as qbr_tables
from trust_portal.trust.report import tables as trust_reports

#: Modules that declare tables; importing them is what fills the metadata.
TABLES = (
    access,
    actions,
    anomalies,
    approvals,
    audits,
    break_glass,
    budgets,
    compliance,
    contracts,
    credit_tables,
    cross_checks,
    exclusion_tables,
    forecast_tables,
    evidence,
    facts,
    incidents,
    metering,
    notify,
    objectives,
    outbox,
    passkeys,
    policy_change,
    postmortems,
    posture,
    remediation,
    reports,
    rounds,
    runs,
    switchboard,
    trials,
    trust_batches,
    accounts,
    qbr_tables,
    trust_notes,
    trust_reports,
    workplaces,
)

#: Two migrations of one database never run at the same time. Any number of ours will do.
_MIGRATION_LOCK = 0x7472757374


def run(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
        connection.commit()


async def main() -> None:
    url = (
        context.config.get_main_option("sqlalchemy.url")
        or os.environ.get("COORDINATOR_URL")
        or os.environ["DATABASE_URL"]
    )
    engine = create_engine(url, pool_size=1, application_name="trust-portal migrate")
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="READ COMMITTED")
            await connection.run_sync(run)
    finally:
        await engine.dispose()


asyncio.run(main())
