"""Whether slides that somebody edited still state the data of those that were signed."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report

#: So many differences are named; more say nothing new.
_MOST = 200
_STAYS_OPEN = (
    "That commentary and speaker's notes of the edited slides are whose they say: whoever holds the slides writes them",
    (
        "How the edited slides look: master, layouts and backgrounds with what is written on them, colours, faces, sizes and "
        "effects, what runs over the edge of its box, animations, how a chart's lines and bars are drawn, and how a workbook "
        "shows its numbers are not compared; look at them"
    ),
)


def check_deck(
    files: Mapping[str, bytes], signed: str | None, name: str, edited: bytes, report: Report
) -> None:
    """``signed`` is where the bundle has its slides, None where its kind has none; ``name`` is what a finding calls
    the ``edited`` ones. Of a bundle whose slides are not those that were signed nothing is said.
    """
    if signed is None or signed not in files:
        report.find(Code.NOT_A_DECK, "this bundle has no slides to compare it with", file=name)
        return
    if any(
        each.file == signed and each.code in {Code.DIGEST_MISMATCH, Code.FILE_EXTRA}
        for each in report.findings
    ):
        report.not_proved.append(f"That {name} states the data of {signed}: that file is not the signed one")
        return
    # Loads an office library, which verifying alone does not need.
    from trust_portal.documents.slides.comparison import differences  # noqa: PLC0415
    from trust_portal.documents.slides.reading import NotADeck, read_deck  # noqa: PLC0415

    try:
        found = list(differences(read_deck(files[signed]), read_deck(edited)))
    except NotADeck as error:
        report.find(Code.NOT_A_DECK, str(error), file=name)
        return
    for each in found[:_MOST]:
        report.find(Code.DECK_ALTERED, each.message, file=name, field=each.place)
    if len(found) > _MOST:
        report.find(Code.DECK_ALTERED, f"and {len(found) - _MOST} differences more", file=name)
    if not found:
        report.proved.append(
            f"{name} has every slide of {signed} in its order, and on each the same texts, tables and charts where they "
            "were signed, with the workbooks behind charts that it still brings; nothing is added but in the slots"
        )
    report.not_proved.extend(_STAYS_OPEN)
