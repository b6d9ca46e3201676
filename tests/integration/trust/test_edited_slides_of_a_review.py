"""``trust-portal verify BUNDLE --deck``: a CSM's copy of the signed slides, with commentary and with other data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import report_desk
from click.testing import CliRunner
from pptx import Presentation
from qbr_desk import bundle_of, issue, prepare, use
from report_desk import CORA, publish
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.commands.verify import verify
from trust_portal.documents.slides.locking import SLOT
from trust_portal.evidence import bundle

pytestmark = pytest.mark.takes(seconds=15)

OPEN = {
    "That commentary and speaker's notes of the edited slides are whose they say: whoever holds the slides writes them",
    (
        "How the edited slides look: master, layouts and backgrounds with what is written on them, colours, faces, sizes and "
        "effects, what runs over the edge of its box, animations, how a chart's lines and bars are drawn, and how a workbook "
        "shows its numbers are not compared; look at them"
    ),
}


async def test_commentary_is_accepted_and_other_data_are_refused_by_name(
    portal: Portal, tmp_path: Path
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    report = await publish(house, aurora.id)
    issued = await issue(house, await prepare(house, aurora.id))
    async with sequencing(house):
        _, data = await bundle_of(house, issued)
        _, other = await report_desk.bundle_of(house, report)
    (tmp_path / "qbr.zip").write_bytes(data)
    (tmp_path / "report.zip").write_bytes(other)
    (tmp_path / "policy.txt").write_text(await house.archive.trust_policy(CORA, aurora.id))
    signed = bundle.read(data).files["qbr.pptx"]

    async def asked(change: Callable[[Any], object], of: str = "qbr.zip") -> tuple[int, dict[str, Any]]:
        presentation = Presentation(BytesIO(signed))
        change(presentation)
        presentation.save(str(tmp_path / "mine.pptx"))
        return await asyncio.to_thread(_verify, of)

    def _verify(of: str) -> tuple[int, dict[str, Any]]:
        policy, deck = str(tmp_path / "policy.txt"), str(tmp_path / "mine.pptx")
        arguments = [str(tmp_path / of), "--policy", policy, "--deck", deck, "--json"]
        done = CliRunner().invoke(verify, arguments)
        return done.exit_code, json.loads(done.output)

    code, verdict = await asked(_comment_everywhere)
    assert (code, verdict["findings"]) == (0, [])
    assert (
        "--deck mine.pptx has every slide of qbr.pptx in its order, and on each the same texts, tables and charts where they "
        "were signed, with the workbooks behind charts that it still brings; nothing is added but in the slots"
    ) in verdict["proved"]
    assert set(verdict["not_proved"]) >= OPEN

    code, verdict = await asked(_dearer)
    (finding,) = verdict["findings"]
    assert (code, finding["code"], finding["file"]) == (1, "DECK_ALTERED", "--deck mine.pptx")
    assert finding["field"].startswith("slide ")
    assert "The period in one look" in finding["field"]
    assert finding["message"] == "says “EUR 1.00”, signed was “EUR 3,172.90”"
    assert finding["next"] == (
        "Do not rely on these slides; take those in the bundle, and write into their slots alone."
    )
    assert not [each for each in verdict["proved"] if "mine.pptx" in each]

    code, verdict = await asked(lambda _: None, "report.zip")
    assert (code, [each["code"] for each in verdict["findings"]]) == (1, ["NOT_A_DECK"])
    (tmp_path / "mine.pptx").write_bytes(b"no deck")
    code, verdict = _verify("qbr.zip")
    assert (code, [(each["code"], each["message"]) for each in verdict["findings"]]) == (
        1,
        [("NOT_A_DECK", "it cannot be read as a presentation (BadZipFile)")],
    )
    files = {**bundle.read(data).files, "qbr.pptx": b"no deck"}
    (tmp_path / "qbr.zip").write_bytes(bundle.build(files))
    code, verdict = await asked(lambda _: None)
    assert {each["code"] for each in verdict["findings"]} == {"DIGEST_MISMATCH"}
    assert (
        "That --deck mine.pptx states the data of qbr.pptx: that file is not the signed one"
        in (verdict["not_proved"])
    )
    page = await portal.browser("customer_viewer").get(f"/t/aurora/qbr/{issued.id}")
    assert "trust-portal verify BUNDLE.zip --deck EDITED.pptx" in page.text


def _comment_everywhere(presentation: Any) -> None:
    slots = [each for slide in presentation.slides for each in slide.shapes if each.name == SLOT]
    assert len(slots) > 10, "a slot on every part"
    for each in slots:
        each.text_frame.text = "We saw it, too."


def _dearer(presentation: Any) -> None:
    slide = next(each for each in presentation.slides if each.shapes.title.text == "The period in one look")
    shape = next(
        each for each in slide.shapes if each.text_frame.text.replace("\u00a0", " ") == "EUR 3,172.90"
    )
    shape.text_frame.paragraphs[0].runs[0].text = "EUR 1.00"
