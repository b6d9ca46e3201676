"""What a chart of a deck says, read back from its part (ECMA-376 part 1, 21.2): series, and whatever else is written in it.

The part is compared whole but for what an editor writes by itself and for the look. What is not known here counts as
something said, so that a new element is a difference until somebody has looked at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from trust_portal.documents.slides.text import number, plain, words_in

#: The look, how parts refer to each other, and what an office program adds when it saves.
_PASSED_OVER: Final = frozenset(
    [
        "auto",
        "autoTitleDeleted",
        "axId",
        "axPos",
        "clrMapOvr",
        "crossAx",
        "crossBetween",
        "crosses",
        "crossesAt",
        "dPt",
        "date1904",
        "dispBlanksAs",
        "externalData",
        "formulaRef",
        "fullRef",
        "gapWidth",
        "hiLowLines",
        "idx",
        "invertIfNegative",
        "lang",
        "layout",
        "lblAlgn",
        "lblOffset",
        "leaderLines",
        "legendPos",
        "majorGridlines",
        "majorTickMark",
        "majorUnit",
        "marker",
        "minorTickMark",
        "minorUnit",
        "noMultiLvlLbl",
        "order",
        "overlap",
        "overlay",
        "plotVisOnly",
        "printSettings",
        "protection",
        "roundedCorners",
        "showDLblsOverMax",
        "showLeaderLines",
        "smooth",
        "spPr",
        "style",
        "txPr",
        "uniqueId",
        "varyColors",
        "dataDisplayOptions16",
    ]
)
#: They say nothing themselves.
_FRAMES: Final = frozenset(["AlternateContent", "Choice", "Fallback", "ext", "extLst", "scaling", "ser"])
#: What a number is kept in says nothing while axis and labels have formats of their own, and those are compared.
_PLAIN_FORMAT: Final = re.compile(r"General|[#0,]*[#0](\.[#0]+)?")
_LABELS: Final = ("showVal", "showCatName", "showSerName", "showPercent")


@dataclass(frozen=True, slots=True)
class ReadSeries:
    """``points`` are ``(category, value)`` in their order."""

    name: str
    points: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReadChart:
    """Numbers are in their shortest spelling. ``said`` is all else that the part says, by its path in it: titles, typed
    labels, formats, axes; ``cells`` those of the workbook behind it, by ``Sheet1!B2``, None where the deck brings none.
    """

    kind: str
    series: tuple[ReadSeries, ...]
    said: dict[str, str]
    cells: dict[str, str] | None


def read_chart(chart: Any, cells: dict[str, str] | None) -> ReadChart:
    space = chart._chartSpace  # noqa: SLF001 - no door to the part's tree
    said = dict(_said(space, ""))
    if any(_tag(each) == "blip" for each in space.iter()):
        said["picture"] = "a picture as a filling"
    series = tuple(_series(each) for each in space.iter() if _tag(each) == "ser")
    return ReadChart(str(chart.chart_type), series, said, cells)


def _series(element: Any) -> ReadSeries:
    names = dict(_points(element, "cat"))
    values = dict(_points(element, "val"))
    name = " ".join(value for _, value in _points(element, "tx"))
    return ReadSeries(
        plain(name),
        tuple(
            (plain(names.get(at, str(at + 1))), number(values[at]) if at in values else "")
            for at in range(max((*names, *values), default=-1) + 1)
        ),
    )


def _points(series: Any, tag: str) -> Iterator[tuple[int, str]]:
    for part in series:
        if _tag(part) == tag:
            for point in part.iter():
                if _tag(point) == "pt":
                    yield int(point.get("idx")), "".join(each.text or "" for each in point)


def _said(element: Any, path: str) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for each in element:
        tag = _tag(each)
        if not tag or tag in _PASSED_OVER or _says_nothing(element, each):
            continue
        seen[tag] = seen.get(tag, 0) + 1
        at = path if tag in _FRAMES - {"ser"} else f"{path}{tag}{seen[tag] if seen[tag] > 1 else ''}/"
        if tag == "rich":
            yield at.removesuffix("/"), words_in(each)
            continue
        if _tag(element) == "ser" and _is_read_as_points(each):
            yield from _formats(each, at)
            continue
        inside = list(_said(each, at))
        yield from inside
        if not inside and tag not in _FRAMES:
            yield at.removesuffix("/"), _value(each)


def _formats(data: Any, path: str) -> Iterator[tuple[str, str]]:
    """A series' own number format, and those of single points: text in quotes there is shown in a value's place."""
    if _tag(data[0]) != ("numRef" if _tag(data) == "val" else "strRef"):
        yield path + "of", _tag(data[0])
    for each in data.iter():
        if _tag(each) == "formatCode" and not _PLAIN_FORMAT.fullmatch(each.text or ""):
            yield path + "formatCode", plain(each.text or "")
        elif _tag(each) == "pt" and each.get("formatCode") is not None:
            yield f"{path}pt {int(each.get('idx')) + 1}/formatCode", plain(each.get("formatCode"))


def _is_read_as_points(element: Any) -> bool:
    return (
        _tag(element) in {"tx", "cat", "val"}
        and [_tag(each) for each in element] in (["strRef"], ["numRef"])
    )  # fmt: skip


def _says_nothing(parent: Any, element: Any) -> bool:
    match _tag(element):
        case "orientation":
            return bool(element.get("val", "minMax") == "minMax")
        case "numFmt":
            # Categories are words, which a number's format does not reach.
            return _tag(parent) == "catAx"
        case "dLbls":
            return _shows_no_labels(element)
        case tag if tag.startswith("show"):
            return element.get("val") in {"0", "false"}
    return False


def _shows_no_labels(labels: Any) -> bool:
    if any(_tag(each) in {"t", "dLbl", "fld"} for each in labels.iter()):
        return False
    shown = {_tag(each): each.get("val", "1") for each in labels.iter() if _tag(each).startswith("show")}
    if shown.get("showDataLabelsRange", "0") not in {"0", "false"}:
        return False
    return any(_tag(each) == "delete" and each.get("val", "1") == "1" for each in labels) or all(
        shown.get(each) in {"0", "false"} for each in _LABELS
    )


def _value(element: Any) -> str:
    said = plain(" ".join((*(str(each) for _, each in sorted(element.attrib.items())), element.text or "")))
    try:
        return number(said).removesuffix(".0")
    except ValueError:
        return said or "is there"


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
