"""What a trust document says was done: by playbooks and what they saved, to prevent another incident, and who fetched what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from cost_rows import HOUR, NOW, RECEIPT, TENANT, VERIFIED, anomaly, run

from trust_portal.access.access_log.model import Access, AccessEntry, AccessTally, Group, Verb, group_of
from trust_portal.access.actors import CONSOLE
from trust_portal.cost.metering.model import Progress
from trust_portal.cost.remediation.model import RunState
from trust_portal.cost.remediation.playbooks import load_playbooks
from trust_portal.evidence.export import Export, ExportState
from trust_portal.kernel.actor import SYSTEM, ActorKind
from trust_portal.kernel.period import parse_period
from trust_portal.learning.actions import model as actions
from trust_portal.learning.actions.model import ActionType, PreventionAction, StepAct
from trust_portal.learning.incidents.model import Incident, MajorBecause, Severity
from trust_portal.learning.postmortems import model as postmortems
from trust_portal.learning.postmortems.model import Person, Postmortem, Version
from trust_portal.learning.postmortems.releases_model import ReleasedCopy
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.trust.gathering.access import MOST_DOWNLOADS, access_section
from trust_portal.trust.gathering.cost import cost_section
from trust_portal.trust.gathering.incident_lines import MajorLine
from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.savings import MOST_HOURS
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.qbr.gathering.savings import savings_section
from trust_portal.trust.report.derivation import Derivation, sections_differ
from trust_portal.trust.report.model import FORMAT
from trust_portal.trust.sections.display import UNKNOWN, display, sentences
from trust_portal.trust.sections.model import Cell, Figure, Section, Sentence, State, Unit
from trust_portal.trust.sections.outcome import outcome, verdict

ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
HOW = Derivation(FORMAT, "2026-Q2", ASK.period.start, NOW, ASK.period.end)
PROGRESS = Progress(TENANT.id, 1, datetime(2026, 4, 1, tzinfo=UTC), NOW - HOUR, None)
ANN = Person(UUID(int=21), "Ann")


TAKEN_BACK = (RunState.EXECUTED, RunState.VERIFIED, RunState.ROLLED_BACK)


def rows(section: Section, table: str) -> list[list[str]]:
    return [
        [display(cell).replace("\u00a0", " ") for cell in each.cells] for each in section.table(table).rows
    ]


def figures(section: Section) -> dict[str, str | None]:
    return {each.id: each.cell.value for each in section.figures}


def said(section: Section) -> list[str]:
    return [each.replace("\u00a0", " ") for each in sentences(section)]


def test_what_was_found_what_was_done_and_what_it_saves_an_hour():
    found = cost_section(PROGRESS, (anomaly(),), (run(1), run(2, ends=(RunState.EXECUTED,))), ASK)
    assert rows(found, "anomalies") == [
        ["egress", "deviation", "high", "20 June 2026, 07:30 UTC", "open", "EUR 60.00", "EUR 360.02", "EUR 300.01", "EUR 300.01", "EUR 12.34"],
    ]  # fmt: skip
    acted = "20 June 2026, 10:30 UTC"
    title = load_playbooks().by_id["throttle-exports"].title
    assert rows(found, "playbooks") == [
        [title, "egress", "verified", acted, "EUR 110.00", "EUR 20.50", "EUR 89.50"],
        [title, "egress", "executed", acted, UNKNOWN, UNKNOWN, UNKNOWN],
    ]
    assert rows(found, "savings") == [[title, "20 June 2026, 11:00 UTC", "24", "EUR 89.50", "EUR 2,148.00"]]
    saved = dict(found.cells())[f"cost/savings/{run(1).id}/saved"]
    assert (saved.href, saved.receipt) == (f"/cost/playbooks/{run(1).id}", str(VERIFIED))
    assert said(found) == [
        "Anomalies in the period: 1, of which open: 1; beyond what was expected: EUR 300.01.",
        "Playbooks carried out: 2, of which verified in the data: 1, which saves EUR 89.50 an hour.",
        (
            "Avoided in the first day of each, had it gone on at the rate before: EUR 2,148.00. Of that day counts what lies in "
            "the period: 24 hours in all."
        ),
    ]


def test_what_was_refused_or_ran_out_is_told_apart_from_what_was_done():
    found = cost_section(
        PROGRESS,
        (),
        (
            run(1),
            run(2, ends=(RunState.DENIED,), sent=False),
            run(3, ends=(RunState.LAPSED,), sent=False),
            run(4, ends=(RunState.FAILED,)),
        ),
        ASK,
    )
    title = load_playbooks().by_id["throttle-exports"].title
    assert [row.id for row in found.table("playbooks").rows] == [str(run(1).id)]
    assert rows(found, "refused") == [
        [title, "egress", "denied", "a policy forbids it", "20 June 2026, 10:30 UTC"],
        [title, "egress", "lapsed", "nobody acted upon it in time, or there was no reason any more", "20 June 2026, 10:30 UTC"],
        [title, "egress", "failed", "the product refused it, or did not confirm it", "20 June 2026, 11:30 UTC"],
    ]  # fmt: skip
    assert said(found)[1:3] == [
        "Playbooks carried out: 1, of which verified in the data: 1, which saves EUR 89.50 an hour.",
        "Planned, and not carried out: 3.",
    ]


def test_of_a_section_without_a_table_nothing_can_be_said_beside_it():
    bare = cost_section(None, (), (), ASK)
    assert (bare.state, bare.sentences, bare.figures, bare.tables) == (State.NOT_APPLICABLE, (), (), ())
    assert list(sections_differ("trust-report.json", [bare], {}, HOW)) == []
    spoken = replace(bare, sentences=(Sentence("Nothing unusual was found in the period."),))
    (found,) = sections_differ("trust-report.json", [spoken], {}, HOW)
    assert (found.field, found.reported, found.recomputed) == (
        "$.sections[0].sentences[0]", "Nothing unusual was found in the period.", "(absent)",
    )  # fmt: skip


def test_what_was_taken_back_saves_nothing_any_more():
    found = cost_section(PROGRESS, (), (run(1, ends=TAKEN_BACK),), ASK)
    ((*_, state, _, before, after, saved),) = rows(found, "playbooks")
    assert (state, before, after, saved) == ("rolled back", "EUR 110.00", "EUR 20.50", UNKNOWN)
    assert said(found)[1:] == ["Playbooks carried out: 1, of which verified in the data: 0."]
    assert figures(savings_section((run(1, ends=TAKEN_BACK),), ASK)) == {"verified": "0"}


def test_a_saving_is_the_verified_rate_times_the_hours_of_the_first_day_that_lie_in_the_period():
    last = ASK.period.end
    found = savings_section(
        (
            run(1),
            run(2, before="10", after="9.995", since=last - timedelta(hours=5, minutes=1)),
            run(3, before="100", after="40", currency="JPY"),
            run(4, ends=(RunState.EXECUTED,)),
            run(5, since=last + HOUR),
        ),
        ASK,
    )
    assert MOST_HOURS == 24
    assert [each[2:] for each in rows(found, "savings")] == [
        ["24", "EUR 89.50", "EUR 2,148.00"],
        ["6", "EUR 0.00", "EUR 0.03"],
        ["24", "JPY 60", "JPY 1,440"],
        ["0", "EUR 89.50", "EUR 0.00"],
    ]
    assert rows(found, "savings")[0][1] == "20 June 2026, 11:00 UTC"
    assert figures(found) == {"verified": "3", "saved-eur": "2148.03", "saved-jpy": "1440"}
    assert dict(found.cells())[f"savings/savings/{run(1).id}/saved"].receipt == str(VERIFIED)
    (sentence,) = said(found)
    assert sentence == (
        "Verified playbooks: 3. Avoided in the first day of each, had it gone on at the rate before: EUR 2,148.03 and "
        "JPY 1,440. Of that day counts what lies in the period; nobody knows how long it would have gone on."
    )
    looked = outcome_section([found], ASK.now)
    assert [(each.label, display(each.cell).replace("\u00a0", " ")) for each in looked.figures] == [
        ("Avoided in the first day, had it gone on (EUR)", "EUR 2,148.03"),
        ("Avoided in the first day, had it gone on (JPY)", "JPY 1,440"),
    ], "where the amount stands alone it says of what it is an estimate"


def test_without_a_verified_playbook_no_saving_is_claimed():
    found = savings_section((run(1, ends=(RunState.EXECUTED,)),), ASK)
    assert (found.table("savings").rows, figures(found)) == ((), {"verified": "0"})
    assert said(found) == ["No playbook of the period stands verified in the data, so no saving is claimed."]


BEGAN = datetime(2026, 6, 9, 10, 0, tzinfo=UTC)
INCIDENT = Incident(
    id=UUID(int=30), source="product", key="INC-7", title="Exports slow", service="exports", team=None,
    owner="Ines", owner_person_id=None, severity=Severity.P3, declared_severity=Severity.P2,
    told_severity=Severity.P2, downgrade=None, worst_severity=Severity.P1, claimed_severity=None, severity_at=BEGAN, major_because=MajorBecause.RAISED,
    began_at=BEGAN, detected_at=BEGAN, declared_at=BEGAN, told_at=None, mitigated_at=None,
    resolved_at=BEGAN + timedelta(minutes=95, seconds=59), reopened=0, merge_key=None, merge_keys=(), merged_into=None, ends_in=None, merged_at=None,
    everybody=False, tenants=(TENANT.id,), objectives=None, facts=3, last_fact_at=BEGAN, changes=(BEGAN,), drawn_id=UUID(int=300),
)  # fmt: skip
SIGNED = BEGAN + timedelta(days=5)
POSTMORTEM = Postmortem(
    UUID(int=31), INCIDENT.id, BEGAN, MajorBecause.DECLARED, ANN.id,
    (postmortems.Step(0, postmortems.StepKind.OPENED, 1, None, ANN, "declared", BEGAN, RECEIPT),),
    (Version(2, "a" * 64, SIGNED, SIGNED, ANN, ANN, (ANN,), "true", None, UUID(int=4), 3, RECEIPT),),
)  # fmt: skip
COPY = ReleasedCopy(UUID(int=32), TENANT.id, INCIDENT.id, 2, "c" * 64, SIGNED)


def action(number: int, *happened: tuple[StepAct, date | None]) -> PreventionAction:
    steps = tuple(
        actions.Step(at, act, SIGNED, ANN.id, ANN.name, RECEIPT, due=due)
        for at, (act, due) in enumerate(happened, 1)
    )
    return PreventionAction(
        UUID(int=40 + number), POSTMORTEM.id, INCIDENT.id, "Cap it", ActionType.PREVENT, ANN.id, ANN.name, 10,
        WorkCalendar(), None, SIGNED, ANN.name, RECEIPT, steps,
    )  # fmt: skip


def begun(day: date) -> tuple[StepAct, date | None]:
    return (StepAct.BEGIN, day)


YESTERDAY, TODAY, LATER = NOW.date() - timedelta(days=1), NOW.date(), date(2026, 7, 20)
PROMISED = (
    action(1, begun(YESTERDAY), (StepAct.FINISH, None)),
    action(2, begun(YESTERDAY), (StepAct.DROP, None)),
    action(3, begun(YESTERDAY)),
    action(4, begun(YESTERDAY), (StepAct.MOVE, LATER)),
    action(5, begun(TODAY)),
    action(6, (StepAct.WITHDRAW, None)),
)


def test_a_major_incident_has_its_signed_postmortem_the_copy_and_what_became_of_its_actions():
    line = MajorLine(INCIDENT, Cover.SIGNED, POSTMORTEM, COPY, PROMISED)
    found = incidents_section((line,), NOW, NOW)
    assert (found.state, found.why) == (State.FRESH, None)
    assert rows(found, "major") == [
        ["Exports slow", "P1", "exports", "9 June 2026, 10:00 UTC", "9 June 2026, 11:35:59 UTC", "95 min"]
    ]
    assert {cell.href for cell in found.table("major").rows[0].cells if cell.href} == {
        f"/incidents?year=2026#incident-{UUID(int=300)}"
    }
    values = [cell.value for cell in found.table("postmortems").rows[0].cells]
    assert values == [
        "Exports slow", "signed", "2", "2026-06-14T10:00:00Z", "a" * 64, str(COPY.id), "c" * 64,
        "not made yet", "not made yet",
    ]  # fmt: skip
    assert {cell.href for cell in found.table("postmortems").rows[0].cells[4:7]} == {
        f"/postmortems/{COPY.id}"
    }
    assert rows(found, "prevention") == [["Exports slow", "5", "1", "3", "1", "1", "2 July 2026"]]
    assert figures(found) == {"major": "1", "gaps": "0", "promised": "5", "done": "1", "overdue": "1"}
    assert said(found) == [
        "Major incidents in the period: 1; without a signed postmortem: 0.",
        "Prevention actions promised: 5; done: 1; overdue: 1.",
    ]


def test_the_bundle_of_a_copy_is_named_by_its_id_and_its_digest_once_it_is_made():
    made = Export(
        UUID(int=50), TENANT.id, "postmortem-copy", COPY.id, 2, ExportState.READY, "ready", 100, None, SYSTEM, SIGNED,
        UUID(int=51), digest="e" * 64,
    )  # fmt: skip
    found = incidents_section((MajorLine(INCIDENT, Cover.SIGNED, POSTMORTEM, COPY, (), made),), NOW, NOW)
    cells = dict(found.cells())
    place = f"incidents/postmortems/{UUID(int=300)}"
    for column, value in (("bundle", str(made.id)), ("bundle_sha256", "e" * 64)):
        cell = cells[f"{place}/{column}"]
        assert (cell.value, cell.unit, cell.href) == (value, Unit.DIGEST, f"/postmortems/{COPY.id}")


def test_of_an_incident_without_postmortem_or_copy_nothing_is_known_and_none_is_overdue():
    bare = replace(INCIDENT, id=UUID(int=33), drawn_id=UUID(int=330), title="Login down", resolved_at=None)
    kept = MajorLine(INCIDENT, Cover.SIGNED, POSTMORTEM, None, PROMISED[:1])
    found = incidents_section((kept, MajorLine(bare, Cover.MISSING, None, None, ())), NOW, NOW)
    assert (found.state, found.why) == (State.MISSING, "no signed postmortem of P1 Login down")
    assert rows(found, "major")[1][4:] == [UNKNOWN, UNKNOWN]
    cells = [[cell.value for cell in row.cells][1:] for row in found.table("postmortems").rows]
    assert cells == [
        ["signed", "2", "2026-06-14T10:00:00Z", "a" * 64, None, None, *["no copy was given"] * 2],
        ["not begun", *["none yet"] * 3, None, None, *["no copy was given"] * 2],
    ]
    assert rows(found, "prevention")[1] == ["Login down", *[UNKNOWN] * 6]
    assert figures(found) == {"major": "2", "gaps": "1", "promised": "1", "done": "1", "overdue": "0"}


def test_a_postmortem_that_was_signed_before_more_happened_is_owed_and_no_section_of_it_is_fresh():
    line = MajorLine(INCIDENT, Cover.OUTDATED, POSTMORTEM, COPY, PROMISED[:1])
    found = incidents_section((line,), NOW, NOW)
    why = "more happened since it was signed of P1 Exports slow"
    assert (found.state, found.why) == (State.MISSING, why)
    assert found.table("postmortems").rows[0].cells[1].value == "signed, and more happened since"
    assert figures(found) == {
        "major": "1", "gaps": "1", "outdated": "1", "promised": "1", "done": "1", "overdue": "0",
    }  # fmt: skip
    assert said(found)[0] == (
        "Major incidents in the period: 1; without a signed postmortem: 1, of which signed before more happened: 1."
    )
    assert outcome(found) == ("bad", "1 postmortem owed")
    assert verdict([found]) == "1 postmortem owed"

    assert list(sections_differ("trust-report.json", [found], {}, HOW)) == []
    quiet = tuple(Figure(each.id, each.label, Cell("0", each.cell.unit)) for each in found.figures)
    forged = replace(found, state=State.FRESH, why=None, figures=quiet)
    differ = sections_differ("trust-report.json", [forged], {}, HOW)
    claimed = {each.field: (each.reported, each.recomputed) for each in differ}
    assert claimed["$.sections[0].state"] == ("fresh", "missing")
    assert claimed["$.sections[0].figures[1].value"] == ("0", "1")
    assert claimed["$.sections[0].figures[2].value"] == ("0", "1")


def tally(
    group: Group, name: str, read: int, downloaded: int, kind: ActorKind = ActorKind.PERSON
) -> AccessTally:
    return AccessTally(UUID(int=len(name)), kind, name, group, read, downloaded, NOW - HOUR)


def fetched(name: str, group: Group, kind: ActorKind, what: str, subject: str) -> AccessEntry:
    at = NOW - timedelta(minutes=len(name)) + timedelta(microseconds=7)
    access = Access(Verb.DOWNLOADED, what, subject)
    return AccessEntry(UUID(int=60 + len(name)), TENANT.id, at, UUID(int=8), kind, name, group, access)


def test_who_looked_and_who_fetched_what_is_counted_by_whose_people_they_are():
    found = access_section(
        (
            tally(Group.AUDITOR, "Aki", 3, 1),
            tally(Group.CUSTOMER, "Cleo", 7, 2),
            tally(Group.CUSTOMER, "nightly", 0, 4, ActorKind.TOKEN),
            tally(Group.STAFF, "Sam", 5, 0),
            tally(Group.STAFF, "Susan", 6, 1),
            tally(Group.STAFF, "uploader", 1, 1, ActorKind.TOKEN),
            tally(group_of(CONSOLE), CONSOLE.name, 9, 0, CONSOLE.kind),
        ),
        (
            fetched("Aki", Group.AUDITOR, ActorKind.PERSON, "SLA report", "2026-06"),
            fetched("nightly", Group.CUSTOMER, ActorKind.TOKEN, "receipts", ""),
        ),
        ASK,
    )
    assert figures(found) == {
        "staff": "21", "auditors": "3", "fetched": "9", "programs": "5", "named": "2",
    }  # fmt: skip
    assert said(found) == [
        "The vendor looked 21 times, auditors 3; fetched in all: 9, of which by programs with a token: 5.",
        "Named here are the latest 2 of them; the access log names all.",
    ]
    at = "3 July 2026, 08:00 UTC"
    assert rows(found, "who") == [
        ["Aki", "auditors", "3", "1", at],
        ["Cleo", "your people", "7", "2", at],
        ["nightly", "your programs, by token", "0", "4", at],
        ["Sam", "the vendor", "5", "0", at],
        ["Susan", "the vendor", "6", "1", at],
        ["uploader", "the vendor’s programs, by token", "1", "1", at],
        [CONSOLE.name, "the vendor", "9", "0", at],
    ]
    assert rows(found, "downloads") == [
        ["3 July 2026, 08:57 UTC", "Aki", "auditors", "SLA report", "2026-06"],
        ["3 July 2026, 08:53 UTC", "nightly", "your programs, by token", "receipts", "the list"],
    ]


def test_where_nobody_looked_that_is_said():
    found = access_section((), (), ASK)
    assert figures(found) == dict.fromkeys(("staff", "auditors", "fetched", "programs", "named"), "0")
    assert said(found) == [
        "The vendor looked 0 times, auditors 0; fetched in all: 0, of which by programs with a token: 0."
    ]
    assert [each.empty for each in found.tables] == [
        "Nobody but your own people looked.", "Nothing was fetched.",
    ]  # fmt: skip
    assert MOST_DOWNLOADS == 50
