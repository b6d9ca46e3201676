"""Work to be done after the commit, written within it.

The row is the truth and the queue only a trigger: the relay claims rows with SKIP LOCKED and
hands their ids to arq; a job deletes its row in the transaction of its effect; a row past
its lease is due again, and the relay claims it once more. Job names are constants here, so that nothing in
``trust_portal`` imports ``jobs``.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from trust_portal.storage.metadata import house_table, instant, uuid_column


class Job(StrEnum):
    """What can be asked of the worker. The value is the arq function's name."""

    ADVANCE_PLAYBOOK = "advance_playbook"
    APPROVAL_SETTLED = "approval_settled"
    ATTEND_BREAK_GLASS = "attend_break_glass"
    BACK_TEST_DETECTOR = "back_test_detector"
    BUILD_EXPORT = "build_export"
    CHECK_POSTURE = "check_posture"
    CLOSE_COST_HOURS = "close_cost_hours"
    COMPARE_SIGNED_REPORT = "compare_signed_report"
    CONSIDER_CREDIT = "consider_credit"
    DELIVER_NOTIFICATION = "deliver_notification"
    DISPATCH_NOTIFICATION = "dispatch_notification"
    EVALUATE_COMPLIANCE = "evaluate_compliance"
    EXPIRE_APPROVAL = "expire_approval"
    EXPLAIN_ANOMALY = "explain_anomaly"
    FOLLOW_INCIDENTS = "follow_incidents"
    ISSUE_POSTMORTEM_COPY = "issue_postmortem_copy"
    ISSUE_SLA_REPORT = "issue_sla_report"
    PLAN_PLAYBOOKS = "plan_playbooks"
    PLAN_SLA_RUN = "plan_sla_run"
    PLAN_TRUST_BATCH = "plan_trust_batch"
    PREPARE_QBR = "prepare_qbr"
    PUBLISH_TRUST_REPORT = "publish_trust_report"
    REMIND_OF_APPROVAL = "remind_of_approval"
    ROLL_UP_USAGE = "roll_up_usage"
    SEAL_EXPORTS = "seal_exports"
    SPREAD_REVOCATION = "spread_revocation"


#: Long renders have their own queue, so that a killed one does not hold back the short jobs.
EXPORTS_QUEUE = "trust-portal:exports"
DEFAULT_QUEUE = "trust-portal:default"
#: Deliveries wait for other people's servers, and must not keep our own work waiting; the default
#: worker serves this queue too.
DELIVERIES_QUEUE = "trust-portal:deliveries"
QUEUE_OF: dict[Job, str] = {
    Job.BUILD_EXPORT: EXPORTS_QUEUE,
    Job.SEAL_EXPORTS: EXPORTS_QUEUE,
    Job.DELIVER_NOTIFICATION: DELIVERIES_QUEUE,
}

outbox = house_table(
    "outbox",
    uuid_column("id", primary_key=True),
    Column("job", Text, nullable=False),
    Column("arguments", JSONB, nullable=False, comment="ids only"),
    Column("dedupe_key", Text, unique=True, comment="at most one waiting row per key"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column(
        "given_back",
        Integer,
        nullable=False,
        server_default="0",
        comment="of the attempts: by a worker that stopped in good order",
    ),
    Column("last_error", Text),
    instant("created_at", nullable=False),
    instant("due_at", nullable=False),
    instant("leased_until"),
    instant("failed_at", comment="given up; the row stays as the record of it"),
    Index("outbox_due_idx", "due_at", "id", postgresql_where=text("failed_at IS NULL")),
    Index("outbox_job_idx", "job", "due_at", postgresql_where=text("failed_at IS NULL")),
)
