"""What is learned from the runaway: its incident, the postmortem that fills itself, and its owner's signature."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from trust_portal.access.sign_in.personas import persona_with
from trust_portal.demo import proof
from trust_portal.demo.approving import Approvers
from trust_portal.demo.place import HOUR, Place
from trust_portal.demo.product.incidents import runaway_key
from trust_portal.demo.promises import BROKEN, KEPT, Promises
from trust_portal.demo.scene import BRIGHTWATER, SOURCE
from trust_portal.errors import Unavailable
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.signing_statement import signing_statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical
from trust_portal.learning.incidents.model import Incident, incident_id
from trust_portal.learning.postmortems.model import Postmortem, PostmortemState, Written

_OWNER, _REVIEWER = Role.INCIDENT_OWNER, Role.SRE_OPERATOR
_MOST_HOURS: Final = 10
_WRITTEN: Final = Written(
    summary="Exports of large archives were **cut off after 14 minutes and begun anew**, whole, each time.",
    impact="No large export of Brightwater arrived for four hours, and the traffic was billed. Orders were not touched.",
    contributors="The new engine never resumes. The pilot had small archives only, so nothing was cut off there.",
    mitigators="The portal named the flag in the third hour, and the limit held the exports within minutes.",
    risks="The limit stands until exports resume; other customers with large archives are not on the ramp yet.",
    surprised="The ramp could not be paused: its switch was pulled for another review.",
    went_well="Everybody looked at the same page.",
)
_PROFILE: Final = "customer"
_AS_PROMISED: Final = "It was their exports that never ended"
_STANDS: Final = "Read again before it was released: nobody is named or blamed by it"
_RATIONALE: Final = "It says what happened, and what we shall do about it"


class LearningStory:
    """``play`` goes from the incident to the bundle; what becomes of its promises is told by ``overdue``."""

    def __init__(self, place: Place, approvers: Approvers, folder: Path) -> None:
        self._at = place
        self._tell = place.tell
        self._approvers = approvers
        self._folder = folder
        self._promises = Promises(place)
        self._incident_id = incident_id(f"{SOURCE}incidents", runaway_key(place.script))

    async def play(self) -> None:
        """With data of an earlier run, what was signed then is told, and not signed again."""
        incident = await self._resolved()
        postmortem = await self._filled(incident)
        if postmortem.state is not PostmortemState.SIGNED:
            await self._promises.plan(postmortem.id)
            await self._signed(postmortem.id, await self._reviewed(postmortem.id))
        await self._bundle(postmortem.id)
        await self._released(postmortem.id)

    async def _resolved(self) -> Incident:
        """The hours in which the vendor's people tell of it, up to its end."""
        house, owner = self._at.house, await self._at.person(_OWNER)
        for _ in range(_MOST_HOURS):
            incident = (await house.incidents.get(owner, self._incident_id)).incident
            if incident.resolved_at is not None:
                break
            self._tell.waiting("The incident goes on")
            await self._at.time.move_to(self._at.time.now() + HOUR)
            await self._at.time.quiet()
        else:
            raise Unavailable("the incident of the runaway was not resolved", code="NOT_RESOLVED")
        assert incident.mitigated_at is not None, "it was mitigated before"  # noqa: S101 - narrows the type
        self._tell.step(
            "Incident",
            f"{incident.severity.value} {incident.key}: {incident.title}",
            f"told by the product through POST /events, {incident.facts} of them; "
            f"began {incident.began_at:%H:%M}, detected {incident.detected_at:%H:%M}, declared {incident.declared_at:%H:%M}",
            f"mitigated {incident.mitigated_at:%H:%M} by the control call, resolved {incident.resolved_at:%H:%M} UTC",
            url=f"{self._at.url}/incidents/{incident.id}",
        )
        return incident

    async def _filled(self, incident: Incident) -> Postmortem:
        """Nobody has written anything yet, and most of it is there."""
        owner = await self._at.person(_OWNER)
        postmortem = await self._at.house.postmortem_reader.of_incident(owner, incident.id)
        if postmortem is None:
            raise Unavailable("the P1 has no postmortem", code="NO_POSTMORTEM")
        document = (await self._at.house.postmortem_reader.find(owner, postmortem.id)).document
        touched = document["customers"][BRIGHTWATER.key]
        suspects = [each for each in document["changes"] if each["verdict"] == "suspect"]
        steps: dict[str, list[str]] = {}
        for each in touched["mitigation"]:
            steps.setdefault(each["playbook"], []).append(each["step"])
        denials = [*document["denials"], *touched["denial"]]
        if not denials or not touched["mitigation"]:
            raise Unavailable("the postmortem names no denial or no receipt", code="NOT_FILLED")
        self._tell.step(
            "Postmortem",
            f"opened with the P1, {postmortem.opened_because}; filled by itself so far:",
            f"{len(document['timeline'])} entries of the timeline, {len(document['changes'])} changes near it,"
            f" {len(suspects)} suspect: {', '.join(each['name'] for each in suspects)}",
            f"{len(touched['mitigation'])} receipts of playbooks:",
            *(f"{playbook}: {', '.join(words)}" for playbook, words in steps.items()),
            f"denied by policy: {', '.join(sorted({rule for each in denials for rule in each['policies']}))}",
            *(
                f"missing: {each['source']}, {each['why']}"
                for each in (*document["missing"], *touched["missing"])
            ),
            url=f"{self._at.url}/postmortems/{postmortem.id}",
        )
        return postmortem

    async def _reviewed(self, postmortem_id: UUID) -> str:
        """Its owner writes, and somebody else accepts; the digest of what may be signed."""
        path, reader = f"/postmortems/{postmortem_id}", await self._at.person(_OWNER)
        opened = await self._at.house.postmortem_reader.find(reader, postmortem_id)
        if opened.submission is None:
            revision = 0 if opened.draft is None else opened.draft.revision
            async with self._signed_in(_OWNER) as owner:
                await owner.submit(f"{path}/edit", revision=str(revision), **_WRITTEN.json())
                await owner.submit(f"{path}/submit", revision=str(revision + 1))
            opened = await self._at.house.postmortem_reader.find(reader, postmortem_id)
        assert opened.submission is not None, "it was frozen"  # noqa: S101 - narrows the type
        digest = opened.submission.sha256
        if opened.postmortem.accepted is None:
            async with self._signed_in(_REVIEWER) as reviewer:
                await reviewer.submit(f"{path}/accept", digest=digest, accept_reason="It is what I remember")
        self._tell.step(
            "Review",
            f"{persona_with(_OWNER).name} writes what no log knows, and plans two actions:",
            *(each.told for each in (KEPT, BROKEN)),
            f"{persona_with(_REVIEWER).name}, who wrote nothing of it, accepts",
            url=self._at.url + path,
        )
        return digest

    async def _signed(self, postmortem_id: UUID, digest: str) -> None:
        """Its owner signs what was accepted, byte for byte, with a passkey."""
        path, person = f"/postmortems/{postmortem_id}", await self._at.person(_OWNER)
        async with self._signed_in(_OWNER) as owner:
            device = await self._approvers.device(owner, _OWNER)
            statement = signing_statement(postmortem_id, 1, digest, _RATIONALE, person.id, person.name)
            assertion = json.dumps(dict(device.sign(challenge_of(canonical(statement))).json()))
            await owner.submit(f"{path}/sign", digest=digest, rationale=_RATIONALE, assertion=assertion)
        self._tell.step(
            "Signed",
            f"{person.name}, whose incident it was, signs with a passkey: “{_RATIONALE}”",
            f"over exactly what was accepted, SHA-256 {digest}",
            url=self._at.url + path,
        )

    async def _bundle(self, postmortem_id: UUID) -> None:
        """The vendor's own evidence, checked by a process that knows no server."""
        owner = await self._at.person(_OWNER)
        self._tell.waiting("The bundle is being made")

        async def look() -> dict[str, Any]:
            signed = await self._at.house.postmortem_reader.version(owner, postmortem_id, 1)
            export = signed.export
            if export is None:
                return {"export": None}
            return {
                "export": {"state": export.state.value.upper(), "failure": export.failure, "id": export.id}
            }

        export = (await proof.finished_export(look))["export"]
        address = f"{self._at.url}/t/vendor/exports/{export['id']}/bundle.zip"
        found = {"downloadUrl": address, "fileName": f"postmortem-{export['id']}.zip"}
        fetched = await proof.fetch_bundle(self._at.url, "vendor", found, self._folder, Role.SRE_OPERATOR)
        verdict = await proof.verified(fetched)
        self._tell.step(
            "Bundle",
            f"{fetched.archive.name}: verified, offline",
            *(f"✓ {each}" for each in verdict.proved if "passkey" in each or "postmortem" in each),
            f"trust-portal verify {fetched.archive} --policy {fetched.policy} --recompute",
            url=address,
        )

    async def _released(self, postmortem_id: UUID) -> None:
        """Whom it hit reads it too, with what is not theirs withheld; what was warned of is let stand with a reason."""
        customer, owner = self._at.tenants[BRIGHTWATER.key], await self._at.person(_OWNER)
        releases = self._at.house.postmortem_releases
        if not any(
            each.customer_id == customer.id for each in await releases.of_postmortem(owner, postmortem_id)
        ):
            seen = await releases.preview(owner, postmortem_id, customer.id, _PROFILE)
            stands = {f"ack-{each.id}": _STANDS for each in seen.warnings}
            async with self._signed_in(_OWNER) as visitor:
                await visitor.submit(
                    f"/postmortems/{postmortem_id}/release", version=str(seen.version.number),
                    customer=str(customer.id), profile=_PROFILE, reason=_AS_PROMISED, **stands,
                )  # fmt: skip
        (release, *_) = [
            each
            for each in await releases.of_postmortem(owner, postmortem_id)
            if each.customer_id == customer.id
        ]
        self._tell.step(
            "Released",
            f"{persona_with(_OWNER).name} releases version {release.version} to {BRIGHTWATER.name}: “{_AS_PROMISED}”",
            f"{len(release.withheld)} fields are withheld, each represented by a salted digest",
            url=f"{self._at.url}/t/{BRIGHTWATER.key}/postmortems",
        )

    async def overdue(self) -> None:
        owner = await self._at.person(_OWNER)
        postmortem = await self._at.house.postmortem_reader.of_incident(owner, self._incident_id)
        assert postmortem is not None, "it was signed"  # noqa: S101 - narrows the type
        await self._promises.pass_on(postmortem.id)

    @asynccontextmanager
    async def _signed_in(self, role: Role) -> AsyncIterator[proof.Visitor]:
        async with httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False) as client:
            yield await proof.Visitor.sign_in(client, role)
