"""A game day played through the doors, gone on with, and looked at. What is known of it lies in the portal alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from trust_portal.access.action import Action
from trust_portal.errors import Conflict, InvalidInput, NotFound, Unavailable
from trust_portal.facts.events import PORTAL
from trust_portal.kernel.actor import ActorKind
from trust_portal.learning.gameday import script
from trust_portal.learning.gameday.doors import Doors
from trust_portal.learning.gameday.model import SOURCE, Doing, GameDay, Report, Seen, standing_of
from trust_portal.learning.incidents.model import incident_id

#: How long the register may take to follow what was told, in seconds, and how often it is looked at.
_PATIENCE: Final = 60.0
_LOOK: Final = 0.5
_DONE: Final = frozenset({"EXECUTED", "VERIFIED"})
_UNDER_WAY: Final = frozenset({"PLANNED", "WAITING", "EXECUTING"})

_WHO: Final = "query ($key: String!) { now viewer { name } tenant(key: $key) { id } }"
_NOW: Final = "{ now }"
_FIND: Final = """
query ($words: String!, $after: String) {
  incidents(first: 100, words: $words, after: $after) {
    nodes { id source key severity resolvedAt } pageInfo { hasNextPage endCursor } } }
"""
_DECLARE: Final = """
mutation ($input: DeclareIncidentInput!) { declareIncident(input: $input) { incident { id } userErrors { code message } } }
"""
_TELL: Final = """
mutation ($input: TellOfIncidentInput!) { tellOfIncident(input: $input) { incident { id } userErrors { code message } } }
"""
_ANOMALIES: Final = """
query ($key: String!, $tenant: ID!, $playbook: String!) {
  tenant(key: $key) { costAnomalies(first: 5, suppressed: false) { nodes { id } } }
  playbookRuns(first: 10, tenantId: $tenant, playbook: $playbook) { nodes { id state } }
}
"""
_PLAN: Final = """
mutation ($anomaly: ID!, $playbook: String!) {
  planPlaybook(input: {anomalyId: $anomaly, playbook: $playbook}) { run { id } userErrors { code message } } }
"""
_REQUEST: Final = """
mutation ($run: ID!, $reason: String!) {
  requestPlaybookApproval(input: {runId: $run, reason: $reason}) { run { id } userErrors { code message } } }
"""
_ALONE: Final = """
mutation ($run: ID!) {
  executePlaybookAlone(input: {runId: $run, reason: "Game day: nobody may do this alone"}) { userErrors { code } } }
"""
#: No token reviews; it would do no harm if one could, as nothing is in review yet, and this is no document's digest.
_REVIEW: Final = """
mutation ($postmortem: ID!) {
  acceptPostmortem(input: {postmortemId: $postmortem, sha256: "", reason: "Game day: no token may do this"}) {
    userErrors { code } } }
"""
_RUN: Final = "query ($run: ID!) { node(id: $run) { ... on PlaybookRun { state } } }"
_INCIDENT: Final = (
    "query ($id: ID!) { incident(id: $id) { timeline { text } tenantKeys postmortemId resolvedAt } }"
)
_POSTMORTEM: Final = """
query ($id: ID!) {
  postmortem(id: $id) { document accepted signer lacking state }
  preventionActions(first: 10, postmortemId: $id) { nodes { state } }
}
"""

#: By the rule of the ledger: what was signed may have been outdated since, and what is rewritten counts as signed.
_COVER: Final = "query ($id: ID!) { switchboard { coverage(gapsOnly: false, incidentIds: [$id]) { cover } } }"


class Game:
    """One game day at one portal. Every method may be repeated."""

    def __init__(self, doors: Doors, name: str) -> None:
        self._doors = doors
        self._name = name
        self._notes: list[str] = []

    def play(self, tenant: str, owner: str | None, playbook: str) -> Report:
        """Declare both, be refused, ask for the playbook, end the P2; and the P1 where nothing is to wait for."""
        day = GameDay(self._name, tenant)
        if self._find():
            raise Conflict("a game day of this name was played; look with --check", field="name")
        who = self._doors.ask(_WHO, key=tenant)
        at = _instant(who["now"])
        self._doors.tell(script.declared(day, owner or who["viewer"]["name"], at))
        declared = self._doors.act(_DECLARE, input=script.p2_input(day, at))
        self._try_to_review(declared["incident"]["id"])
        self._second(declared["incident"]["id"])
        run = self._asked(day, who["tenant"]["id"], playbook)
        if run is not None:
            self._be_refused(_ALONE, run=run)
            self._doors.tell(script.noted(day, "asked", script.ASKED + run, self._now()))
        self._wait_for_both()
        return self.go_on()

    def go_on(self) -> Report:
        """End the P1 if its playbook is done or none came of it; how both stand, also one that was never declared.

        ``NotFound`` without a game day.
        """
        found = self._find()
        if not found:
            raise NotFound(f"game day {self._name!r} at {self._doors.url}", field="name")
        seen = {each["source"]: self._look(each) for each in found}
        for each in found:
            looked = seen[each["source"]][0]
            if not (looked.resolved or looked.denials):
                self._try_to_review(each["id"])
                seen[each["source"]] = self._look(each)
        first = seen.get(SOURCE)
        if first is not None and not first[0].resolved and first[0].doing is not Doing.WAITS:
            self._end_first(GameDay(self._name, first[1]), first[0].doing)
            self._wait_until_first_is_over()
            seen[SOURCE] = self._look(next(each for each in self._find() if each["source"] == SOURCE))
        both = [
            seen[source][0] if source in seen else self._absent(key, severity)
            for source, key, severity in (
                (SOURCE, f"{self._name}-p1", "P1"),
                (PORTAL, f"{self._name}-p2", "P2"),
            )
        ]
        return Report(self._name, tuple(map(standing_of, both)), tuple(self._notes))

    def _absent(self, key: str, severity: str) -> Seen:
        """The game broke off before it was declared, or the register has not taken it in."""
        incidents = f"{self._doors.url}/incidents"
        return Seen(key, severity, False, incidents, incidents, Doing.NONE, declared=False)

    def _be_refused(self, document: str, **variables: str) -> None:
        if not self._doors.is_refused(document, **variables):
            self._notes.append("policy let through what it should refuse")

    def _try_to_review(self, incident: str) -> None:
        """Refused while it goes on, by the name of its own postmortem: so the document says that it was this game's."""
        postmortem = self._doors.ask(_INCIDENT, id=incident)["incident"]["postmortemId"]
        if postmortem is not None:
            self._be_refused(_REVIEW, postmortem=postmortem)

    def _second(self, id_: str) -> None:
        for telling, text in (
            ("NOTE", script.P2_NOTE),
            ("MITIGATED", script.P2_MITIGATED),
            ("RESOLVED", script.P2_RESOLVED),
        ):
            self._doors.act(_TELL, input={"incidentId": id_, "telling": telling, "text": text})

    def _asked(self, day: GameDay, tenant_id: str, playbook: str) -> str | None:
        """The run that is asked for or under way; None, and a note of why, where none is."""
        found = self._doors.ask(_ANOMALIES, key=day.tenant, tenant=tenant_id, playbook=playbook)
        state, run = self._standing_run(found["playbookRuns"]["nodes"])
        why = "the customer has no anomaly"
        for anomaly in found["tenant"]["costAnomalies"]["nodes"]:
            if run is not None:
                break
            try:
                run = self._doors.act(_PLAN, anomaly=anomaly["id"], playbook=playbook)["run"]["id"]
                state = "PLANNED"
            except InvalidInput as refusal:
                why = refusal.message
        if run is None:
            self._notes.append(f"the P1 is mitigated by hand, for {playbook} cannot be planned: {why}")
            return None
        if state == "PLANNED":
            self._doors.act(_REQUEST, run=run, reason=f"Game day {day.name}")
        return run

    @staticmethod
    def _standing_run(runs: list[Mapping[str, str]]) -> tuple[str, str | None]:
        return next(((each["state"], each["id"]) for each in runs if each["state"] in _UNDER_WAY), ("", None))

    def _end_first(self, day: GameDay, doing: Doing) -> None:
        by_hand = doing is not Doing.DONE
        text = script.BY_HAND if by_hand else "Game day: the playbook is done"
        now = self._now()
        self._doors.tell(
            script.noted(day, "mitigation", text, now, kind="mitigation"),
            script.stepped(day, "mitigated", text, now),
            script.stepped(day, "resolved", script.RESOLVED, now),
        )

    def _look(self, row: Mapping[str, Any]) -> tuple[Seen, str]:
        """An incident as it stands, and the key of the customer it names."""
        found = self._doors.ask(_INCIDENT, id=row["id"])["incident"]
        doing = self._doing([each["text"] for each in found["timeline"]])
        page = f"{self._doors.url}/incidents/{incident_id(row['source'], row['key'])}"
        tenant = found["tenantKeys"][0] if found["tenantKeys"] else ""
        known: dict[str, Any] = {}
        lines = self._doors.ask(_COVER, id=row["id"])["switchboard"]["coverage"]
        if found["postmortemId"] is not None:
            known = _postmortem(self._doors.ask(_POSTMORTEM, id=found["postmortemId"]), tenant)
        seen = Seen(
            key=row["key"],
            severity=row["severity"],
            resolved=found["resolvedAt"] is not None,
            page=page,
            approvals=f"{self._doors.url}/t/{tenant}/approvals",
            doing=doing,
            cover=next((each["cover"] for each in lines), None),
            **known,
        )
        return seen, tenant

    def _doing(self, told: list[str]) -> Doing:
        run = next((text.removeprefix(script.ASKED) for text in told if text.startswith(script.ASKED)), None)
        if run is None:
            return Doing.NONE
        node = self._doors.ask(_RUN, run=run)["node"]
        state = "" if node is None else node["state"]
        if state in _DONE:
            return Doing.DONE
        if state in _UNDER_WAY:
            return Doing.WAITS
        self._notes.append(f"the playbook came to nothing: {state.lower() or 'its run is not there'}")
        return Doing.ENDED

    def _find(self) -> list[Mapping[str, Any]]:
        """The incidents of this game day that the register has."""
        return [
            found
            for source, key in ((SOURCE, f"{self._name}-p1"), (PORTAL, f"{self._name}-p2"))
            if (found := self._found(source, key)) is not None
        ]

    def _found(self, source: str, key: str) -> Mapping[str, Any] | None:
        """Among all that have its key somewhere in theirs or in their title, however many came after it."""
        after = None
        while True:
            page = self._doors.ask(_FIND, words=key, after=after)["incidents"]
            for each in page["nodes"]:
                if (each["source"], each["key"]) == (source, key):
                    found: Mapping[str, Any] = each
                    return found
            if not page["pageInfo"]["hasNextPage"]:
                return None
            after = page["pageInfo"]["endCursor"]

    def _wait_for_both(self) -> None:
        self._until(lambda: len(self._find()) == 2)

    def _wait_until_first_is_over(self) -> None:
        self._until(lambda: all(each["resolvedAt"] for each in self._find() if each["source"] == SOURCE))

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise Unavailable(
                    f"what was told did not reach the register within {_PATIENCE:.0f} s: does the worker run?",
                    code="NOT_FOLLOWED",
                )
            time.sleep(_LOOK)

    def _now(self) -> datetime:
        """By the portal's clock: it takes nothing that is ahead of it."""
        return _instant(self._doors.ask(_NOW)["now"])


def _postmortem(found: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    row, document = found["postmortem"], json.loads(found["postmortem"]["document"])
    touched = document["customers"].get(tenant, {})
    return {
        "state": row["state"],
        "accepted": row["accepted"],
        "signer": row["signer"],
        "lacking": tuple(row["lacking"]),
        "actions": sum(each["state"] in {"OPEN", "DONE"} for each in found["preventionActions"]["nodes"]),
        "denials": sum(is_of_the_game(each, document["postmortem"]["id"]) for each in document["denials"]),
        "receipts": len(touched.get("mitigation", ())),
    }


def is_of_the_game(denial: Mapping[str, Any], postmortem: str) -> bool:
    """Whether a refusal in a postmortem is of what a game day tries: a token reviews this very one."""
    return (denial["actor_kind"], denial["action"], denial["resource"]) == (
        ActorKind.TOKEN.value,
        Action.POSTMORTEM_REVIEW.value,
        postmortem,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
