"""actions: what is promised after incidents, its reminders, where people work, and their views of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_KEPT = (
    "workplaces",
    "prevention_actions",
    "prevention_action_steps",
    "prevention_recurrences",
    "prevention_reminders",
    "escalation_acknowledgements",
)
_OWN = ("calendar_feeds", "switchboard_views")


def upgrade() -> None:
    begin_revision()
    _workplaces()
    _prevention_actions()
    _prevention_action_steps()
    _prevention_recurrences()
    _prevention_reminders()
    _escalation_acknowledgements()
    _calendar_feeds()
    _switchboard_views()
    for table in (*_KEPT, *_OWN):
        distribute(table)
    for table in _KEPT:
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)
    for table in _OWN:
        protect(table, app=("SELECT", "INSERT", "UPDATE", "DELETE"), staff=())


def downgrade() -> None:
    begin_revision()
    for table in reversed((*_KEPT, *_OWN)):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _number(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False, comment=comment)


def _refers(table: str, own: tuple[str, ...], others: tuple[str, ...], name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", *own], [f"{table}.tenant_id", *(f"{table}.{each}" for each in others)], name=name
    )


def _workplaces() -> None:
    op.create_table(
        "workplaces",
        _id("tenant_id"),
        _id("person_id"),
        _number("revision"),
        _text("country", nullable=True),
        _text("subdivision", nullable=True),
        _text("time_zone"),
        _id("manager_id", nullable=True, comment="whom an overdue action is escalated to first"),
        _at("at"),
        _id("by_id"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", "revision", name="workplaces_pkey"),
        _refers("people", ("person_id",), ("id",), "workplaces_person_fkey"),
        _refers("people", ("manager_id",), ("id",), "workplaces_manager_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "workplaces_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="workplaces_receipt_key"),
        sa.CheckConstraint("revision > 0", name="counts_from_one"),
        sa.CheckConstraint("manager_id IS DISTINCT FROM person_id", name="manager_is_another"),
        sa.CheckConstraint("subdivision IS NULL OR country IS NOT NULL", name="place_is_whole"),
    )


def _prevention_actions() -> None:
    op.create_table(
        "prevention_actions",
        _id("tenant_id"),
        _id("id"),
        _id("postmortem_id"),
        _id("incident_id"),
        _text("title"),
        _text("type"),
        _id("owner_id"),
        _number("term", comment="business days of the owner's calendar"),
        _text("country", nullable=True, comment="ISO 3166-1; null: Monday to Friday"),
        _text("subdivision", nullable=True, comment="second part of ISO 3166-2"),
        _text("time_zone"),
        _text("link", nullable=True),
        _at("created_at"),
        _id("by_id"),
        _text("by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="prevention_actions_pkey"),
        _refers("postmortems", ("postmortem_id",), ("id",), "prevention_actions_postmortem_fkey"),
        _refers("incidents", ("incident_id",), ("id",), "prevention_actions_incident_fkey"),
        _refers("people", ("owner_id",), ("id",), "prevention_actions_owner_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "prevention_actions_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="prevention_actions_receipt_key"),
        sa.UniqueConstraint("tenant_id", "id", "owner_id", name="prevention_actions_owner_key"),
        sa.CheckConstraint("type IN ('prevent', 'detect', 'mitigate', 'process')", name="type_is_known"),
        sa.CheckConstraint("term BETWEEN 1 AND 260", name="term_is_within_a_year"),
        sa.CheckConstraint("btrim(title) <> ''", name="title_is_given"),
        sa.CheckConstraint("subdivision IS NULL OR country IS NOT NULL", name="place_is_whole"),
    )
    op.create_index("prevention_actions_newest_idx", "prevention_actions", ["tenant_id", "created_at", "id"])
    op.create_index("prevention_actions_owner_idx", "prevention_actions", ["tenant_id", "owner_id"])
    op.create_index("prevention_actions_postmortem_idx", "prevention_actions", ["tenant_id", "postmortem_id"])


def _prevention_action_steps() -> None:
    op.create_table(
        "prevention_action_steps",
        _id("tenant_id"),
        _id("action_id"),
        _number("ordinal"),
        _text("act"),
        _number("previous", nullable=True, comment="ordinal of the step before; null: the first"),
        _text("previous_act", nullable=True),
        _id("owner_id", comment="of the action"),
        sa.Column("due", sa.Date(), nullable=True, comment="of one that sets it"),
        _text("note", nullable=True, comment="the reason, or what was done"),
        _text("evidence", nullable=True, comment="of one that is done: where that shows"),
        _text("sha256", nullable=True, comment="of what lies there, where it is known"),
        _id("successor_id", nullable=True, comment="of a superseded one"),
        _at("at"),
        _id("by_id", comment="of a dropped one: the approver"),
        _text("by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "action_id", "ordinal", name="prevention_action_steps_pkey"),
        _refers(
            "prevention_actions",
            ("action_id", "owner_id"),
            ("id", "owner_id"),
            "prevention_action_steps_action_fkey",
        ),
        _refers(
            "prevention_action_steps",
            ("action_id", "previous", "previous_act"),
            ("action_id", "ordinal", "act"),
            "prevention_action_steps_previous_fkey",
        ),
        _refers("prevention_actions", ("successor_id",), ("id",), "prevention_action_steps_successor_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "prevention_action_steps_receipt_fkey"),
        sa.UniqueConstraint(
            "tenant_id", "action_id", "ordinal", "act", name="prevention_action_steps_link_key"
        ),
        sa.UniqueConstraint(
            "tenant_id", "action_id", "ordinal", "due", name="prevention_action_steps_due_key"
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="prevention_action_steps_receipt_key"),
        sa.CheckConstraint(
            "(ordinal = 1 AND num_nonnulls(previous, previous_act) = 0 AND act <> 'move') OR (ordinal > 1 AND num_nulls(previous, previous_act) = 0 AND previous = ordinal - 1 AND previous_act IN ('begin', 'move') AND act NOT IN ('begin', 'withdraw'))",
            name="follows_what_it_may",
        ),
        sa.CheckConstraint(
            "act IN ('begin', 'move', 'finish', 'drop', 'supersede', 'withdraw')", name="act_is_known"
        ),
        sa.CheckConstraint("(act IN ('begin', 'move')) = (due IS NOT NULL)", name="due_where_it_is_set"),
        sa.CheckConstraint("(act = 'begin') = (note IS NULL) AND btrim(note) <> ''", name="reason_is_given"),
        sa.CheckConstraint("(act = 'finish') = (evidence IS NOT NULL)", name="done_has_evidence"),
        sa.CheckConstraint("sha256 IS NULL OR (act = 'finish' AND sha256 ~ '^[0-9a-f]{64}$')", name="digest"),
        sa.CheckConstraint("act <> 'drop' OR by_id <> owner_id", name="dropped_by_another"),
        sa.CheckConstraint(
            "(act = 'supersede') = (successor_id IS NOT NULL) AND successor_id IS DISTINCT FROM action_id",
            name="superseded_by_another",
        ),
    )
    op.create_index("prevention_action_steps_newest_idx", "prevention_action_steps", ["tenant_id", "at"])


def _prevention_recurrences() -> None:
    op.create_table(
        "prevention_recurrences",
        _id("tenant_id"),
        _id("action_id"),
        _id("incident_id"),
        _text("note"),
        _at("at"),
        _id("by_id"),
        _text("by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "action_id", "incident_id", name="prevention_recurrences_pkey"),
        _refers("prevention_actions", ("action_id",), ("id",), "prevention_recurrences_action_fkey"),
        _refers("incidents", ("incident_id",), ("id",), "prevention_recurrences_incident_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "prevention_recurrences_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="prevention_recurrences_receipt_key"),
        sa.CheckConstraint("btrim(note) <> ''", name="note_is_given"),
    )
    op.create_index(
        "prevention_recurrences_incident_idx", "prevention_recurrences", ["tenant_id", "incident_id"]
    )


def _prevention_reminders() -> None:
    op.create_table(
        "prevention_reminders",
        _id("tenant_id"),
        _id("action_id"),
        _number("ordinal", comment="of the step that set the due date"),
        _text("rung"),
        sa.Column("due", sa.Date(), nullable=False),
        _at("came_at", comment="when the rung's time was"),
        _at("at"),
        _text("skipped", nullable=True, comment="why nobody was told; null: it was sent"),
        sa.Column("told", ARRAY(sa.Text()), nullable=False, comment="names of people, or the role"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "action_id", "ordinal", "rung", name="prevention_reminders_pkey"
        ),
        _refers(
            "prevention_action_steps",
            ("action_id", "ordinal", "due"),
            ("action_id", "ordinal", "due"),
            "prevention_reminders_due_fkey",
        ),
        sa.CheckConstraint("rung IN ('T-3', 'T', 'T+1', 'T+3', 'T+7')", name="rung_is_known"),
        sa.CheckConstraint(
            "(skipped IS NULL AND cardinality(told) > 0) OR (skipped IN ('past', 'moved', 'ended') AND cardinality(told) = 0)",
            name="sent_or_skipped",
        ),
        sa.CheckConstraint("at >= came_at", name="not_before_its_time"),
    )
    op.create_index("prevention_reminders_newest_idx", "prevention_reminders", ["tenant_id", "at"])


def _escalation_acknowledgements() -> None:
    op.create_table(
        "escalation_acknowledgements",
        _id("tenant_id"),
        _id("action_id"),
        _number("ordinal"),
        _text("rung"),
        _text("note"),
        _at("at"),
        _id("by_id"),
        _text("by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "action_id", "ordinal", "rung", name="escalation_acknowledgements_pkey"
        ),
        _refers(
            "prevention_reminders",
            ("action_id", "ordinal", "rung"),
            ("action_id", "ordinal", "rung"),
            "escalation_acknowledgements_reminder_fkey",
        ),
        _refers("receipts", ("receipt_id",), ("id",), "escalation_acknowledgements_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="escalation_acknowledgements_receipt_key"),
        sa.CheckConstraint("rung = 'T+7'", name="only_of_the_last_rung"),
        sa.CheckConstraint("btrim(note) <> ''", name="note_is_given"),
    )


def _calendar_feeds() -> None:
    op.create_table(
        "calendar_feeds",
        _id("tenant_id"),
        _id("person_id"),
        _text("sha256", comment="of the secret in the link"),
        _at("made_at"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", name="calendar_feeds_pkey"),
        _refers("people", ("person_id",), ("id",), "calendar_feeds_person_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "calendar_feeds_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "sha256", name="calendar_feeds_sha256_key"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="digest"),
    )


def _switchboard_views() -> None:
    op.create_table(
        "switchboard_views",
        _id("tenant_id"),
        _id("person_id"),
        _text("name"),
        _text("query", comment="filters, as in the address of the page"),
        _at("saved_at"),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", "name", name="switchboard_views_pkey"),
        _refers("people", ("person_id",), ("id",), "switchboard_views_person_fkey"),
        sa.CheckConstraint("length(btrim(name)) BETWEEN 1 AND 60", name="name_is_given"),
        sa.CheckConstraint("length(query) <= 1000", name="query_is_short"),
    )
