"""An assessment as another tool writes it, by compliance-trestle's models: with much that the portal never writes."""

from __future__ import annotations

import warnings
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from uuid import UUID, uuid5

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trestle.oscal import assessment_results as ar
    from trestle.oscal import common

_NAMES: Final = UUID("5f1d3a52-5d5e-4b0e-9c43-0b6f6d0e8a11")
DOCUMENT_UUID: Final = str(uuid5(_NAMES, "document"))
TITLE: Final = "Spring assessment of the export service"
#: The penetration test's end, the oldest that counts: half past five in the afternoon in Berlin.
ENDED: Final = datetime(2026, 5, 18, 15, 30, tzinfo=UTC)
#: Over all results; the interviews came to none.
SATISFIED, NOT_SATISFIED = 4, 2
#: Stands in each part that is passed over, so that it is found wherever it should not be.
PASSED_OVER_WORD: Final = "zirconium"
#: The members that are passed over, each with all that is in it.
PASSED_OVER: Final = frozenset(
    {
        "assessment-log",
        "attestations",
        "back-matter",
        "control-objective-selections",
        "control-selections",
        "implementation-statement-uuid",
        "implementation-status",
        "links",
        "local-definitions",
        "observations",
        "origins",
        "parties",
        "props",
        "published",
        "reason",
        "related-observations",
        "related-risks",
        "remarks",
        "responsible-parties",
        "revisions",
        "risks",
        "roles",
        "type",
    }
)

_NS: Final = "https://harbour.example/ns/oscal"
_BERLIN: Final = timezone(timedelta(hours=2))


def foreign_assessment() -> bytes:
    """Three results: the oldest that counts first, then one that never says when it ended; one has no finding."""
    document = ar.AssessmentResults(
        uuid=DOCUMENT_UUID,
        metadata=_metadata(),
        import_ap=ar.ImportAp(href="https://harbour.example/plans/spring.json", remarks=_words("the plan")),
        local_definitions=ar.LocalDefinitions(
            activities=[common.Activity(uuid=_named("activity"), description=_words("an activity"))],
            remarks=_words("definitions"),
        ),
        results=[_penetration_test(), _configuration_scan(), _interviews()],
        back_matter=common.BackMatter(
            resources=[
                common.Resource(
                    uuid=_named("scan"),
                    title=_words("raw output"),
                    citation=common.Citation(text=_words("cited")),
                    rlinks=[common.Rlink(href="scan.txt", media_type="text/plain")],
                    base64=common.Base64(
                        filename="scan.txt",
                        media_type="text/plain",
                        value=b64encode(b"port 443 open\n").decode(),
                    ),
                )
            ]
        ),
    )
    return document.oscal_serialize_json_bytes(pretty=True)


def _metadata() -> common.Metadata:
    return common.Metadata(
        title=TITLE,
        published=datetime(2026, 5, 21, 8, tzinfo=UTC),
        last_modified=datetime(2026, 5, 20, 16, 4, 5, 678901, tzinfo=_BERLIN),
        version="3.1-final",
        oscal_version="1.1.2",
        revisions=[common.Revision(version="3.0", remarks=_words("a draft"))],
        props=[_prop("marking")],
        links=[common.Link(href="https://harbour.example/", rel="canonical", text=_words("link"))],
        roles=[common.Role(id="assessor", title=_words("role"))],
        parties=[
            common.Party(uuid=_named("harbour"), type="organization", name=_words("Harbour")),
            common.Party(
                uuid=_named("ines"), type="person", name="Ines", member_of_organizations=[_named("harbour")]
            ),
        ],
        responsible_parties=_responsible(),
        remarks=_words("metadata"),
    )


def _penetration_test() -> ar.Result:
    """About statements of a control, where the portal speaks of objectives; in another time zone."""
    return ar.Result(
        uuid=_named("penetration-test"),
        title="Penetration test",
        description="Ten days from outside.",
        start=datetime(2026, 5, 4, 9, tzinfo=_BERLIN),
        end=ENDED.astimezone(_BERLIN),
        props=[_prop("scope")],
        local_definitions=ar.LocalDefinitions1(
            inventory_items=[common.InventoryItem(uuid=_named("host"), description=_words("host"))]
        ),
        reviewed_controls=_reviewed("ac-3"),
        attestations=[
            ar.Attestation(
                responsible_parties=_responsible(),
                parts=[common.AssessmentPart(name="statement", prose=_words("attested"))],
            )
        ],
        assessment_log=ar.AssessmentLog(
            entries=[
                ar.Entry1(
                    uuid=_named("entry"),
                    title=_words("began"),
                    start=datetime(2026, 5, 4, 7, tzinfo=UTC),
                    logged_by=[common.LoggedBy(party_uuid=_named("ines"), role_id="assessor")],
                )
            ]
        ),
        findings=[
            _finding(
                "ac-3-a",
                common.FindingTarget(
                    type="statement-id",
                    target_id="ac-3_smt.a",
                    title="Statement a",
                    description="Who asks for another's export is refused.",
                    props=[_prop("severity")],
                    implementation_status=common.ImplementationStatus(
                        state="partial", remarks=_words("half done")
                    ),
                    status=common.ObjectiveStatus(state="satisfied", remarks=_words("status")),
                ),
            ),
            _finding(
                "ac-3-b",
                common.FindingTarget(
                    type="statement-id",
                    target_id="ac-3_smt.b",
                    status=common.ObjectiveStatus(state="not-satisfied", reason="other"),
                ),
                implementation_statement_uuid=_named("statement"),
                related_risks=[common.RelatedRisk(risk_uuid=_named("risk"))],
            ),
        ],
        remarks=_words("result"),
    )


def _configuration_scan() -> ar.Result:
    """By a tool, with observations and a risk behind its findings."""
    return ar.Result(
        uuid=_named("configuration-scan"),
        title="Configuration scan",
        description="Every host, once.",
        start=datetime(2026, 5, 19, 3, tzinfo=UTC),
        reviewed_controls=_reviewed("cm-6", objective="cm-6_obj.a"),
        observations=[_observation("scan-of-host")],
        risks=[
            common.Risk(
                uuid=_named("risk"),
                title=_words("risk"),
                description=_words("described"),
                statement=_words("stated"),
                status="open",
                deadline=datetime(2026, 9, 1, tzinfo=UTC),
            )
        ],
        findings=[
            _finding(
                name,
                common.FindingTarget(
                    type="objective-id",
                    target_id=f"cm-6_obj.{name}",
                    status=common.ObjectiveStatus(state=state, reason=reason),
                ),
                origins=_origins(),
                related_observations=[common.RelatedObservation(observation_uuid=_named("scan-of-host"))],
            )
            for name, state, reason in (
                ("a", "satisfied", "pass"),
                ("b", "satisfied", None),
                ("c", "satisfied", "compensated-elsewhere"),
                ("d", "not-satisfied", "fail"),
            )
        ],
    )


def _interviews() -> ar.Result:
    return ar.Result(
        uuid=_named("interviews"),
        title="Interviews",
        description="With who runs the service; nothing was found.",
        start=datetime(2026, 3, 9, 10, tzinfo=UTC),
        end=datetime(2026, 3, 9, 12, tzinfo=UTC),
        reviewed_controls=_reviewed("at-2"),
        observations=[_observation("interview")],
    )


def _finding(name: str, target: common.FindingTarget, **more: object) -> common.Finding:
    return common.Finding(
        uuid=_named(f"finding-{name}"),
        title=f"Finding {name}",
        description="As it was seen.",
        target=target,
        props=[_prop("rating")],
        remarks=_words("finding"),
        **more,
    )


def _observation(name: str) -> common.Observation:
    return common.Observation(
        uuid=_named(name),
        title=_words("observation"),
        description=_words("seen"),
        props=[_prop("tool")],
        methods=["EXAMINE", "TEST-AUTOMATED"],
        types=["finding"],
        origins=_origins(),
        subjects=[
            common.SubjectReference(
                subject_uuid=_named("host"),
                type="inventory-item",
                title=_words("host"),
                props=[_prop("zone")],
            )
        ],
        relevant_evidence=[
            common.RelevantEvidence(href=f"#{_named('scan')}", description=_words("evidence"))
        ],
        collected=datetime(2026, 5, 19, 3, 5, tzinfo=UTC),
        expires=datetime(2026, 6, 18, tzinfo=UTC),
        remarks=_words("observation"),
    )


def _reviewed(control: str, objective: str | None = None) -> common.ReviewedControls:
    chosen = [common.ControlSelection(include_controls=[common.SelectControlById(control_id=control)])]
    if objective is None:
        return common.ReviewedControls(control_selections=chosen)
    objectives = [common.SelectObjectiveById(objective_id=objective)]
    return common.ReviewedControls(
        control_selections=chosen,
        control_objective_selections=[common.ControlObjectiveSelection(include_objectives=objectives)],
    )


def _origins() -> list[common.Origin]:
    return [common.Origin(actors=[common.OriginActor(type="tool", actor_uuid=_named("scanner"))])]


def _responsible() -> list[common.ResponsibleParty]:
    return [common.ResponsibleParty(role_id="assessor", party_uuids=[_named("harbour"), _named("ines")])]


def _prop(name: str) -> common.Property:
    return common.Property(name=name, ns=_NS, value=_words(name), remarks=_words("property"))


def _words(text: str) -> str:
    return f"{PASSED_OVER_WORD}: {text}"


def _named(name: str) -> str:
    return str(uuid5(_NAMES, name))
