"""Which shapes of a deck an editor leaves alone: all but the slots that are there to be written into.

The locks are those of ECMA-376 part 1, 20.1.2.2.34 (``a:spLocks``) and 20.1.2.2.19 (``a:graphicFrameLocks``). They keep
people from changing a figure unawares; whoever means to can take them off. Whether somebody did, ``comparison`` says.
Master and layouts have none, so that a deck can be given another look.
"""

from __future__ import annotations

from typing import Any, Final

#: The name of every shape that is free.
SLOT: Final = "Commentary"
_A: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_P: Final = "http://schemas.openxmlformats.org/presentationml/2006/main"
_SHAPE: Final = ("noGrp", "noRot", "noMove", "noResize", "noEditPoints", "noChangeShapeType", "noTextEdit")
#: A frame knows no lock for the text in it: what cannot be selected is not written into.
_FRAME: Final = ("noGrp", "noDrilldown", "noSelect", "noChangeAspect", "noMove", "noResize")


def lock_data(slide: Any) -> None:
    """Every shape of a finished slide but its slots."""
    for shape in slide.shapes:
        if shape.name != SLOT:
            _lock(shape.element)


def _lock(element: Any) -> None:
    if element.tag.endswith("}graphicFrame"):
        _set(element.nvGraphicFramePr.find(f"{{{_P}}}cNvGraphicFramePr"), "graphicFrameLocks", _FRAME)
    else:
        _set(element.nvSpPr.find(f"{{{_P}}}cNvSpPr"), "spLocks", _SHAPE)


def _set(properties: Any, tag: str, locks: tuple[str, ...]) -> None:
    found = properties.find(f"{{{_A}}}{tag}")
    if found is None:
        found = properties.makeelement(f"{{{_A}}}{tag}", nsmap={"a": _A})
        properties.insert(0, found)
    for each in locks:
        found.set(each, "1")
