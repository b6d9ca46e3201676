"""The register of incidents, and what only people decided about it.

All rows are the vendor's: an incident may concern many customers. The register (``incidents``,
``incident_tenants``, ``incident_gaps``) is made from facts and can be made again from them alone;
downgrades and what was asked for are acts, and never change.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.metadata import instant, refers, tenant_table, uuid_column

# One row: whoever changes the register holds it, so that nobody overwrites with what they read before.
incident_register = tenant_table(
    "incident_register",
    instant("followed_at", nullable=False, comment="when facts were last taken in"),
    instant("rebuilt_at", comment="when it was last made again from all facts"),
)

incidents = tenant_table(
    "incidents",
    uuid_column("id", primary_key=True, comment="follows from source and key"),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("team", Text),
    Column("owner", Text, nullable=False, comment="as told"),
    uuid_column("owner_person_id", comment="who of the vendor's people that is"),
    Column("severity", Text, nullable=False, comment="in force"),
    Column("declared_severity", Text, nullable=False),
    Column("worst_severity", Text, nullable=False, comment="ever told, also of those merged into it"),
    Column("claimed_severity", Text, comment="a lower one that waits for approval"),
    instant("severity_at", nullable=False, comment="when it was last spoken of"),
    Column(
        "told_severity",
        Text,
        nullable=False,
        comment="the worst ever in force, also by what was merged into it",
    ),
    uuid_column("downgraded_by", comment="the approved downgrade because of which it is less than that"),
    Column("downgraded_to", Text),
    Column("major_because", Text, comment="declared, raised or merged; null: it takes no postmortem"),
    instant("began_at", nullable=False),
    instant("detected_at", nullable=False),
    instant("declared_at", nullable=False),
    instant("told_at", comment="when customers were first told"),
    instant("mitigated_at"),
    instant("resolved_at"),
    Column("reopened", Integer, nullable=False),
    Column("merge_key", Text, comment="key of what it was merged into, as told"),
    Column(
        "merge_keys",
        ARRAY(Text),
        nullable=False,
        comment="every key that it was ever told to be merged into",
    ),
    uuid_column("merged_into"),
    uuid_column("ends_in", comment="what it goes on in at last"),
    instant("merged_at", comment="since when that is known here"),
    instant("unmerged_at", comment="since when it is known here that it goes on by itself again"),
    Column("everybody", Boolean, nullable=False, comment="it may touch every tenant"),
    Column("objectives", ARRAY(Text), comment="null: all"),
    Column("facts", Integer, nullable=False),
    instant("last_fact_at", nullable=False),
    instant(
        "changed_at", nullable=False, comment="when the last came in that changes what its postmortem says"
    ),
    Column("changes", ARRAY(TIMESTAMP(timezone=True)), nullable=False, comment="when each of these came in"),
    instant("followed_at", nullable=False),
    # Facts do not tell it: a row that is made again keeps it.
    uuid_column("shown_id", nullable=False, comment="drawn at random: what customers see instead of the id"),
    UniqueConstraint("tenant_id", "source", "key", name="incidents_name_key"),
    UniqueConstraint("tenant_id", "shown_id", name="incidents_shown_key"),
    refers("incidents", ("merged_into",), ("id",), "incidents_merged_fkey"),
    refers("incidents", ("ends_in",), ("id",), "incidents_ends_fkey"),
    CheckConstraint(
        "(merged_into IS NULL) = (ends_in IS NULL) AND (ends_in IS NULL) = (merged_at IS NULL) AND ends_in <> id",
        name="ends_where_it_goes",
    ),
    CheckConstraint("merged_into IS NULL OR unmerged_at IS NULL", name="merged_or_by_itself"),
    CheckConstraint(
        "severity IN ('P1', 'P2', 'P3', 'P4') AND declared_severity IN ('P1', 'P2', 'P3', 'P4')"
        " AND worst_severity <= least(severity, declared_severity) AND worst_severity >= 'P1'",
        name="worst_is_worst",
    ),
    CheckConstraint(
        "told_severity >= worst_severity AND told_severity <= least(severity, declared_severity)",
        name="told_is_told",
    ),
    refers(
        "incident_downgrades",
        ("downgraded_by", "id", "downgraded_to"),
        ("request_id", "incident_id", "severity"),
        "incidents_downgrade_fkey",
        use_alter=True,
    ),
    CheckConstraint(
        "(downgraded_by IS NULL) = (downgraded_to IS NULL) AND (severity = told_severity OR told_severity >= 'P3'"
        " OR (downgraded_by IS NOT NULL AND (downgraded_to >= 'P3' OR severity <= downgraded_to)))",
        name="less_takes_approval",
    ),
    CheckConstraint("changes[cardinality(changes)] = changed_at", name="the_last_changed_it"),
    CheckConstraint(
        "(major_because IS NOT NULL) = (worst_severity IN ('P1', 'P2'))", name="major_has_a_reason"
    ),
    Index("incidents_declared_idx", "tenant_id", "declared_at", "id"),
    Index("incidents_merge_keys_idx", "merge_keys", postgresql_using="gin"),
    Index("incidents_key_idx", "tenant_id", "key"),
    Index("incidents_major_idx", "tenant_id", "id", postgresql_where=text("worst_severity IN ('P1', 'P2')")),
    Index(
        "incidents_merged_idx", "tenant_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")
    ),
    Index("incidents_ends_idx", "tenant_id", "ends_in", postgresql_where=text("ends_in IS NOT NULL")),
)

incident_tenants = tenant_table(
    "incident_tenants",
    uuid_column("incident_id", primary_key=True),
    uuid_column("customer_id", primary_key=True),
    refers("incidents", ("incident_id",), ("id",), "incident_tenants_incident_fkey"),
    Index("incident_tenants_customer_idx", "tenant_id", "customer_id"),
)

incident_gaps = tenant_table(
    "incident_gaps",
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("reason", Text, nullable=False, comment="undeclared or ambiguous"),
    Column("worst_severity", Text, comment="the worst it names"),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
    Column("facts", Integer, nullable=False),
    CheckConstraint("reason IN ('undeclared', 'ambiguous')", name="reason_is_known"),
)

incident_downgrade_requests = tenant_table(
    "incident_downgrade_requests",
    uuid_column("request_id", primary_key=True, comment="the approval asked for"),
    uuid_column("incident_id", nullable=False),
    Column("before", Text, nullable=False),
    Column("severity", Text, nullable=False),
    refers("approval_requests", ("request_id",), ("id",), "incident_downgrade_requests_approval_fkey"),
    Column("approval_kind", Text, Computed("'severity_downgrade'::text", persisted=True)),
    refers("approval_requests", ("request_id", "approval_kind"), ("id", "kind"), "incident_downgrade_requests_kind_fkey"),
    refers("incidents", ("incident_id",), ("id",), "incident_downgrade_requests_incident_fkey"),
    UniqueConstraint(
        "tenant_id", "request_id", "incident_id", "before", "severity",
        name="incident_downgrade_requests_what_key",
    ),
    CheckConstraint("before IN ('P1', 'P2') AND severity > before AND severity <= 'P4'", name="lowers"),
    Index("incident_downgrade_requests_incident_idx", "tenant_id", "incident_id"),
)  # fmt: skip

incident_downgrades = tenant_table(
    "incident_downgrades",
    uuid_column("request_id", primary_key=True),
    uuid_column("incident_id", nullable=False),
    Column("before", Text, nullable=False),
    Column("severity", Text, nullable=False),
    instant("holds_from", nullable=False, comment="after everything told of the severity until then"),
    Column("use_ordinal", Integer, nullable=False, comment="the use of its approval"),
    Column("use_act", Text, nullable=False),
    instant("used_at", nullable=False),
    Column("approvers", ARRAY(UUID(as_uuid=True)), nullable=False, comment="the persons"),
    uuid_column("receipt_id", nullable=False),
    refers(
        "incident_downgrade_requests",
        ("request_id", "incident_id", "before", "severity"),
        ("request_id", "incident_id", "before", "severity"),
        "incident_downgrades_request_fkey",
    ),
    refers(
        "approval_steps",
        ("request_id", "use_ordinal", "use_act", "used_at"),
        ("request_id", "ordinal", "act", "at"),
        "incident_downgrades_use_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "incident_downgrades_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="incident_downgrades_receipt_key"),
    UniqueConstraint(
        "tenant_id", "request_id", "incident_id", "severity", name="incident_downgrades_what_key"
    ),
    CheckConstraint(
        "use_act = 'use' AND use_ordinal > 2 AND cardinality(approvers) = use_ordinal - 1",
        name="approved_by_two",
    ),
    Index("incident_downgrades_incident_idx", "tenant_id", "incident_id"),
)

incident_retraction_requests = tenant_table(
    "incident_retraction_requests",
    uuid_column("request_id", primary_key=True, comment="the approval asked for"),
    uuid_column("incident_id", nullable=False),
    Column("kind", Text, nullable=False, comment="unmerged or affected"),
    Column("tenants", ARRAY(UUID(as_uuid=True)), comment="whom it touches, where that is said anew"),
    Column("objectives", ARRAY(Text), comment="which of their promises; null: any"),
    Column("approval_kind", Text, Computed("'severity_downgrade'::text", persisted=True)),
    CheckConstraint(
        "(kind = 'affected' AND tenants IS NOT NULL) OR (kind = 'unmerged' AND num_nonnulls(tenants, objectives) = 0)",
        name="says_what",
    ),
    refers("approval_requests", ("request_id", "approval_kind"), ("id", "kind"), "incident_retraction_requests_kind_fkey"),
    refers("incidents", ("incident_id",), ("id",), "incident_retraction_requests_incident_fkey"),
    UniqueConstraint("tenant_id", "request_id", "incident_id", name="incident_retraction_requests_what_key"),
    Index("incident_retraction_requests_incident_idx", "tenant_id", "incident_id"),
)  # fmt: skip

incident_retractions = tenant_table(
    "incident_retractions",
    uuid_column("request_id", primary_key=True),
    uuid_column("incident_id", nullable=False, comment="of what it was said"),
    uuid_column("event_key", nullable=False, comment="the fact that says so"),
    Column("use_ordinal", Integer, nullable=False, comment="the use of its approval"),
    Column("use_act", Text, nullable=False),
    instant("used_at", nullable=False),
    Column("approvers", ARRAY(UUID(as_uuid=True)), nullable=False, comment="the persons"),
    uuid_column("receipt_id", nullable=False),
    refers(
        "incident_retraction_requests",
        ("request_id", "incident_id"),
        ("request_id", "incident_id"),
        "incident_retractions_request_fkey",
    ),
    refers(
        "approval_steps",
        ("request_id", "use_ordinal", "use_act", "used_at"),
        ("request_id", "ordinal", "act", "at"),
        "incident_retractions_use_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "incident_retractions_receipt_fkey"),
    UniqueConstraint("tenant_id", "event_key", name="incident_retractions_event_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="incident_retractions_receipt_key"),
    CheckConstraint(
        "use_act = 'use' AND use_ordinal > 2 AND cardinality(approvers) = use_ordinal - 1",
        name="approved_by_two",
    ),
    Index("incident_retractions_incident_idx", "tenant_id", "incident_id"),
)

incident_integrations = tenant_table(
    "incident_integrations",
    Column("source", Text, primary_key=True, comment="kind and name, as its events bear it"),
    Column("version", Integer, primary_key=True, autoincrement=False, comment="the newest holds"),
    Column("rules", Text, nullable=False, comment="YAML, as it was written"),
    Column("enabled", Boolean, nullable=False),
    Column("generation", Integer, nullable=False, comment="of a token, which is derived"),
    Column("sealed", LargeBinary, comment="a secret the pager made, under the installation's key"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("receipts", ("receipt_id",), ("id",), "incident_integrations_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="incident_integrations_receipt_key"),
    CheckConstraint("version > 0 AND generation > 0", name="counts_from_one"),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
)

incident_unmatched = tenant_table(
    "incident_unmatched",
    Column("source", Text, primary_key=True),
    Column("alarm_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="of the rules that did not fit"),
    Column("fields", JSONB, nullable=False, comment="what rules look at"),
    instant("received_at", nullable=False),
    Column("severity", Text, comment="what the rule made of it, as far as one fitted"),
    uuid_column("incident_id", comment="of that name, which was not over when it came"),
    instant("began_at", comment="of the trouble, by the alarm; null: it came in before that was kept"),
    refers("incidents", ("incident_id",), ("id",), "incident_unmatched_incident_fkey"),
    CheckConstraint("severity IN ('P1', 'P2', 'P3', 'P4')", name="severity_is_known"),
    Index("incident_unmatched_newest_idx", "tenant_id", "source", "received_at"),
)

# Unmatched alarms that are a gap in the coverage no longer: later rules make no P1 or P2 of them, or took them as they
# came again, or somebody said of which incident they were.
incident_unmatched_settled = tenant_table(
    "incident_unmatched_settled",
    Column("source", Text, primary_key=True),
    Column("alarm_id", Text, primary_key=True),
    Column("version", Integer, comment="of the rules that settle it"),
    uuid_column("incident_id", comment="what it was an alarm of"),
    uuid_column("receipt_id", comment="of the act that says so"),
    CheckConstraint(
        "num_nonnulls(version, incident_id) = 1 AND num_nonnulls(incident_id, receipt_id) <> 1",
        name="settled_by_one",
    ),
    refers("incidents", ("incident_id",), ("id",), "incident_unmatched_settled_incident_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "incident_unmatched_settled_receipt_fkey"),
    refers(
        "incident_unmatched",
        ("source", "alarm_id"),
        ("source", "alarm_id"),
        "incident_unmatched_settled_fkey",
    ),
)

incident_refusals = tenant_table(
    "incident_refusals",
    Column("source", Text, primary_key=True, comment="a pager that is known"),
    Column("version", Integer, primary_key=True, autoincrement=False, comment="as it was set then"),
    Column("why", Text, primary_key=True),
    instant("first_at", nullable=False, comment="when the first delivery was turned away"),
    CheckConstraint("why IN ('off', 'unproved', 'unreadable')", name="why_is_known"),
)
