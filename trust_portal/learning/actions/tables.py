"""Prevention actions as rows that never change: the action, and the chain of its steps; and where each stands.

They belong to the vendor: an incident may concern many customers.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from trust_portal.storage.metadata import instant, refers, tenant_table, uuid_column

prevention_actions = tenant_table(
    "prevention_actions",
    uuid_column("id", primary_key=True),
    uuid_column("postmortem_id", nullable=False),
    uuid_column("incident_id", nullable=False),
    Column("title", Text, nullable=False),
    Column("type", Text, nullable=False),
    uuid_column("owner_id", nullable=False),
    Column("term", Integer, nullable=False, comment="business days of the owner's calendar"),
    Column("country", Text, comment="ISO 3166-1; null: Monday to Friday"),
    Column("subdivision", Text, comment="second part of ISO 3166-2"),
    Column("time_zone", Text, nullable=False),
    Column("link", Text),
    instant("created_at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    uuid_column("replaces", comment="the action in whose place it came"),
    Column("agreed_before", Date, comment="of what it replaces: the day that was agreed"),
    Column(
        "moves_before",
        Integer,
        nullable=False,
        server_default="0",
        comment="of what it replaces, and one where it is due later",
    ),
    refers("postmortems", ("postmortem_id",), ("id",), "prevention_actions_postmortem_fkey"),
    refers("prevention_actions", ("replaces",), ("id",), "prevention_actions_replaces_fkey"),
    refers("incidents", ("incident_id",), ("id",), "prevention_actions_incident_fkey"),
    refers("people", ("owner_id",), ("id",), "prevention_actions_owner_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "prevention_actions_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="prevention_actions_receipt_key"),
    UniqueConstraint("tenant_id", "id", "owner_id", name="prevention_actions_owner_key"),
    UniqueConstraint("tenant_id", "replaces", name="prevention_actions_replaces_key"),
    UniqueConstraint("tenant_id", "id", "replaces", name="prevention_actions_place_key"),
    UniqueConstraint("tenant_id", "id", "replaces", "agreed_before", name="prevention_actions_inherits_key"),
    CheckConstraint("type IN ('prevent', 'detect', 'mitigate', 'process')", name="type_is_known"),
    CheckConstraint("term BETWEEN 1 AND 260", name="term_is_within_a_year"),
    CheckConstraint("btrim(title) <> ''", name="title_is_given"),
    CheckConstraint("subdivision IS NULL OR country IS NOT NULL", name="place_is_whole"),
    CheckConstraint(
        "replaces IS DISTINCT FROM id AND (agreed_before IS NULL OR replaces IS NOT NULL)"
        " AND moves_before >= 0 AND (moves_before = 0 OR agreed_before IS NOT NULL)",
        name="inherits_from_another",
    ),
    Index("prevention_actions_postmortem_idx", "tenant_id", "postmortem_id"),
    Index("prevention_actions_owner_idx", "tenant_id", "owner_id"),
    Index("prevention_actions_newest_idx", "tenant_id", "created_at", "id"),
)

prevention_action_steps = tenant_table(
    "prevention_action_steps",
    uuid_column("action_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the step before; null: the first"),
    Column("previous_act", Text),
    uuid_column("owner_id", nullable=False, comment="of the action"),
    Column("due", Date, comment="of one that sets it"),
    Column(
        "time_zone",
        Text,
        comment="of one that sets it: where the owner worked then; null: as when it was planned",
    ),
    Column("note", Text, comment="the reason, or what was done"),
    Column("evidence", Text, comment="of one that is done: where that shows"),
    Column("sha256", Text, comment="of what lies there, where it is known"),
    uuid_column("successor_id", comment="of a superseded one"),
    Column("agreed", Date, comment="of a superseded one whose clock had begun: the day that was agreed"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False, comment="of a dropped one: the approver"),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers(
        "prevention_actions",
        ("action_id", "owner_id"),
        ("id", "owner_id"),
        "prevention_action_steps_action_fkey",
    ),
    refers(
        "prevention_action_steps",
        ("action_id", "previous", "previous_act"),
        ("action_id", "ordinal", "act"),
        "prevention_action_steps_previous_fkey",
    ),
    refers("prevention_actions", ("successor_id",), ("id",), "prevention_action_steps_successor_fkey"),
    refers(
        "prevention_actions",
        ("successor_id", "action_id"),
        ("id", "replaces"),
        "prevention_action_steps_place_fkey",
    ),
    refers(
        "prevention_actions",
        ("successor_id", "action_id", "agreed"),
        ("id", "replaces", "agreed_before"),
        "prevention_action_steps_inherits_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "prevention_action_steps_receipt_fkey"),
    CheckConstraint("time_zone IS NULL OR due IS NOT NULL", name="clock_is_of_a_date"),
    UniqueConstraint("tenant_id", "action_id", "ordinal", "act", name="prevention_action_steps_link_key"),
    UniqueConstraint("tenant_id", "action_id", "ordinal", "due", name="prevention_action_steps_due_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="prevention_action_steps_receipt_key"),
    CheckConstraint(
        "(ordinal = 1 AND num_nonnulls(previous, previous_act) = 0 AND act <> 'move')"
        " OR (ordinal > 1 AND num_nulls(previous, previous_act) = 0 AND previous = ordinal - 1"
        " AND previous_act IN ('begin', 'move') AND act NOT IN ('begin', 'withdraw'))",
        name="follows_what_it_may",
    ),
    CheckConstraint(
        "act IN ('begin', 'move', 'finish', 'drop', 'supersede', 'withdraw')", name="act_is_known"
    ),
    CheckConstraint("(act IN ('begin', 'move')) = (due IS NOT NULL)", name="due_where_it_is_set"),
    CheckConstraint("(act = 'begin') = (note IS NULL) AND btrim(note) <> ''", name="reason_is_given"),
    CheckConstraint("(act = 'finish') = (evidence IS NOT NULL)", name="done_has_evidence"),
    CheckConstraint("sha256 IS NULL OR (act = 'finish' AND sha256 ~ '^[0-9a-f]{64}$')", name="digest"),
    CheckConstraint("act <> 'drop' OR by_id <> owner_id", name="dropped_by_another"),
    CheckConstraint(
        "(act = 'supersede') = (successor_id IS NOT NULL) AND successor_id IS DISTINCT FROM action_id",
        name="superseded_by_another",
    ),
    CheckConstraint(
        "(act = 'supersede' AND previous IS NOT NULL) = (agreed IS NOT NULL)", name="successor_inherits"
    ),
    # Thirty-six hours from its beginning a day is over everywhere.
    CheckConstraint(
        "by_id <> owner_id OR agreed IS NULL OR at AT TIME ZONE 'UTC' < agreed + interval '36 hours'",
        name="late_replaced_by_another",
    ),
    Index("prevention_action_steps_newest_idx", "tenant_id", "at"),
    # Which are open: without looking at everything ever done.
    Index(
        "prevention_action_steps_ended_idx",
        "tenant_id",
        "action_id",
        postgresql_include=["act", "at"],
        postgresql_where=text("act IN ('finish', 'drop', 'supersede', 'withdraw')"),
    ),
)

# What the steps come to, so that nobody who counts what is open or ended lately reads all that ever was.
#: Of a day that was taken over, that of the plan.
AGREED_ZONE = "CASE WHEN agreed_before IS NULL THEN coalesce(time_zones[1], time_zone) ELSE time_zone END"

prevention_standings = tenant_table(
    "prevention_standings",
    uuid_column("action_id", primary_key=True),
    uuid_column("incident_id", nullable=False),
    Column("title", Text, nullable=False),
    uuid_column("owner_id", nullable=False),
    Column("time_zone", Text, nullable=False),
    instant("created_at", nullable=False),
    Column(
        "dues", ARRAY(Date), nullable=False, comment="every due date, in the order in which they were set"
    ),
    Column("dated_at", ARRAY(TIMESTAMP(timezone=True)), nullable=False, comment="when each was set"),
    Column(
        "time_zones",
        ARRAY(Text),
        nullable=False,
        comment="by whose clock the day of each ends; null: that of the plan",
    ),
    Column("agreed_before", Date, comment="of what it replaces"),
    Column("moves_before", Integer, nullable=False, server_default="0", comment="of what it replaces"),
    Column("agreed", Date, Computed("coalesce(agreed_before, dues[1])", persisted=True)),
    Column(
        "agreed_zone", Text, Computed(AGREED_ZONE, persisted=True), comment="by whose clock that day ends"
    ),
    Column("ordinal", Integer, comment="of the last step; null: none yet"),
    Column("act", Text, comment="of the last step"),
    instant("ended_at", comment="null: it is open"),
    refers(
        "prevention_actions",
        ("action_id", "owner_id"),
        ("id", "owner_id"),
        "prevention_standings_action_fkey",
    ),
    refers("incidents", ("incident_id",), ("id",), "prevention_standings_incident_fkey"),
    refers(
        "prevention_action_steps",
        ("action_id", "ordinal", "act"),
        ("action_id", "ordinal", "act"),
        "prevention_standings_step_fkey",
    ),
    CheckConstraint("num_nulls(ordinal, act) IN (0, 2)", name="step_is_whole"),
    CheckConstraint(
        "(ended_at IS NOT NULL) = (coalesce(act, '') IN ('finish', 'drop', 'supersede', 'withdraw'))",
        name="ends_by_an_end",
    ),
    CheckConstraint("cardinality(dues) = cardinality(dated_at)", name="dates_were_set"),
    CheckConstraint("cardinality(dues) = cardinality(time_zones)", name="dates_end_somewhere"),
    Index(
        "prevention_standings_open_idx", "tenant_id", "action_id", postgresql_where=text("ended_at IS NULL")
    ),
    Index(
        "prevention_standings_ended_idx",
        "tenant_id",
        "ended_at",
        postgresql_where=text("ended_at IS NOT NULL"),
    ),
    Index("prevention_standings_agreed_idx", "tenant_id", "agreed"),
)

prevention_recurrences = tenant_table(
    "prevention_recurrences",
    uuid_column("action_id", primary_key=True),
    uuid_column("incident_id", primary_key=True),
    Column("note", Text, nullable=False),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("prevention_actions", ("action_id",), ("id",), "prevention_recurrences_action_fkey"),
    refers("incidents", ("incident_id",), ("id",), "prevention_recurrences_incident_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "prevention_recurrences_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="prevention_recurrences_receipt_key"),
    CheckConstraint("btrim(note) <> ''", name="note_is_given"),
    Index("prevention_recurrences_incident_idx", "tenant_id", "incident_id"),
)

prevention_reminders = tenant_table(
    "prevention_reminders",
    uuid_column("action_id", primary_key=True),
    Column(
        "ordinal", Integer, primary_key=True, autoincrement=False, comment="of the step that set the due date"
    ),
    Column("rung", Text, primary_key=True),
    Column("due", Date, nullable=False),
    instant("came_at", nullable=False, comment="when the rung's time was"),
    instant("at", nullable=False),
    Column("skipped", Text, comment="why nobody was told; null: it was sent"),
    Column(
        "told",
        ARRAY(Text),
        nullable=False,
        comment="names of people, or the role; empty of one for the PMO: nobody holds it",
    ),
    Column("to_pmo", Boolean, nullable=False, server_default="false", comment="for whoever holds that role"),
    refers(
        "prevention_action_steps",
        ("action_id", "ordinal", "due"),
        ("action_id", "ordinal", "due"),
        "prevention_reminders_due_fkey",
    ),
    CheckConstraint("rung IN ('T-3', 'T', 'T+1', 'T+3', 'T+7')", name="rung_is_known"),
    CheckConstraint(
        "(skipped IS NULL AND (cardinality(told) > 0 OR to_pmo))"
        " OR (skipped IN ('past', 'moved', 'ended') AND cardinality(told) = 0 AND NOT to_pmo)",
        name="sent_or_skipped",
    ),
    CheckConstraint("at >= came_at", name="not_before_its_time"),
    Index("prevention_reminders_newest_idx", "tenant_id", "at"),
    Index(
        "prevention_reminders_escalated_idx",
        "tenant_id",
        "at",
        "came_at",
        "action_id",
        "ordinal",
        "rung",
        postgresql_where=text("to_pmo AND rung IN ('T+3', 'T+7')"),
    ),
)

escalation_acknowledgements = tenant_table(
    "escalation_acknowledgements",
    uuid_column("action_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("rung", Text, primary_key=True),
    Column("note", Text, nullable=False),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers(
        "prevention_reminders",
        ("action_id", "ordinal", "rung"),
        ("action_id", "ordinal", "rung"),
        "escalation_acknowledgements_reminder_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "escalation_acknowledgements_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="escalation_acknowledgements_receipt_key"),
    CheckConstraint("rung IN ('T+3', 'T+7')", name="only_of_escalations"),
    CheckConstraint("btrim(note) <> ''", name="note_is_given"),
)

calendar_feeds = tenant_table(
    "calendar_feeds",
    uuid_column("person_id", primary_key=True),
    Column("sha256", Text, nullable=False, comment="of the secret in the link"),
    instant("made_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("people", ("person_id",), ("id",), "calendar_feeds_person_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "calendar_feeds_receipt_fkey"),
    UniqueConstraint("tenant_id", "sha256", name="calendar_feeds_sha256_key"),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="digest"),
)
