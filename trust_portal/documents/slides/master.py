"""The master of every deck: colours of docs/look.md, faces that every machine has, two layouts.

Colours and faces are the theme's, so that who edits a deck changes them in one place.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.util import Inches

PAGE: Final = (13.333, 7.5)
LEFT: Final = 0.7
CONTENT_TOP: Final = 1.72
#: Placeholders of the layout "Content", by their index.
KICKER: Final = 13
FOOT: Final = 11
NUMBER: Final = 12
IMPRINT: Final = 14
COMMENTARY: Final = 15

#: The light palette of static/css/tokens.css by the theme's own names; a test holds the two together.
THEME: Final = {
    "dk1": ("ink", "17211F"),
    "lt1": ("sheet", "FFFFFF"),
    "dk2": ("ink-soft", "4B5855"),
    "lt2": ("paper", "F5F6F4"),
    "accent1": ("seal", "0C5A5D"),
    "accent2": ("chart-up", "A9C4BD"),
    "accent3": ("chart-excluded", "C79A4B"),
    "accent4": ("bad", "A3271B"),
    "accent5": ("good", "1B6B43"),
    "accent6": ("chart-unknown", "8A9591"),
    "hlink": ("seal", "0C5A5D"),
    "folHlink": ("seal-strong", "083F42"),
}
SERIF: Final = "Georgia"
SANS: Final = "Arial"

_NS: Final = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
)
_EMU: Final = 914_400
_KEPT: Final = ("Title Slide", "Title Only")


def new_presentation() -> Any:
    """An empty presentation with the master and the layouts "Cover" and "Content", in this order."""
    presentation = Presentation()
    presentation.slide_width, presentation.slide_height = (Inches(each) for each in PAGE)
    for layout in list(presentation.slide_layouts):
        if layout.name not in _KEPT:
            presentation.slide_layouts.remove(layout)
    master = presentation.slide_master
    theme = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    theme._blob = _theme(theme.blob.decode()).encode()  # noqa: SLF001 - the library has no door to a theme
    _replace(master, _background("bg1"), _master_shapes())
    _text_styles(master)
    cover, content = presentation.slide_layouts
    _name(cover, "Cover")
    _name(content, "Content")
    _replace(cover, _background("bg2"), _cover_shapes())
    _replace(content, "", _content_shapes())
    return presentation


def _theme(text: str) -> str:
    colours = "".join(
        f'<a:{name}><a:srgbClr val="{value}"/></a:{name}>' for name, (_, value) in THEME.items()
    )
    text = re.sub(
        r"<a:clrScheme.*?</a:clrScheme>",
        f'<a:clrScheme name="Trust Portal">{colours}</a:clrScheme>',
        text,
        flags=re.DOTALL,
    )
    faces = "".join(
        f'<a:{part}><a:latin typeface="{face}"/><a:ea typeface=""/><a:cs typeface=""/></a:{part}>'
        for part, face in (("majorFont", SERIF), ("minorFont", SANS))
    )
    return re.sub(
        r"<a:fontScheme.*?</a:fontScheme>",
        f'<a:fontScheme name="Trust Portal">{faces}</a:fontScheme>',
        text,
        flags=re.DOTALL,
    )


def _replace(page: Any, background: str, shapes: str) -> None:
    """Background and shapes of a master or layout."""
    common = page.element.cSld
    for old in common.findall(f"{{{common.nsmap['p']}}}bg"):
        common.remove(old)
    if background:
        common.insert(0, parse_xml(f"<p:bg {_NS}>{background}</p:bg>"))
    tree = common.spTree
    for old in list(tree)[2:]:
        tree.remove(old)
    # Parsed by the library's own parser, so that its classes stand behind the elements.
    for shape in parse_xml(f"<p:spTree {_NS}>{shapes}</p:spTree>"):
        tree.append(shape)


def _background(colour: str) -> str:
    return f'<p:bgPr><a:solidFill><a:schemeClr val="{colour}"/></a:solidFill><a:effectLst/></p:bgPr>'


def _name(layout: Any, name: str) -> None:
    layout.element.cSld.set("name", name)


def _text_styles(master: Any) -> None:
    def level(kind: str, points: int, colour: str, face: str) -> str:
        return (
            f'<a:{kind} algn="l"><a:lnSpc><a:spcPct val="100000"/></a:lnSpc><a:spcBef><a:spcPts val="0"/></a:spcBef>'
            f'<a:buNone/><a:defRPr lang="en-GB" sz="{points * 100}" kern="1200"><a:solidFill><a:schemeClr val="{colour}"/></a:solidFill>'
            f'<a:latin typeface="{face}"/></a:defRPr></a:{kind}>'
        )

    old = master.element.find(f"{{{master.element.nsmap['p']}}}txStyles")
    body = "".join(level(f"lvl{each}pPr", 14, "tx1", "+mn-lt") for each in range(1, 6))
    new = parse_xml(
        f"<p:txStyles {_NS}><p:titleStyle>{level('lvl1pPr', 26, 'tx1', '+mj-lt')}</p:titleStyle>"
        f"<p:bodyStyle>{body}</p:bodyStyle>"
        f"<p:otherStyle>{level('lvl1pPr', 12, 'tx1', '+mn-lt')}</p:otherStyle></p:txStyles>"
    )
    old.getparent().replace(old, new)


def _placeholder(
    number: int,
    name: str,
    kind: str,
    box: tuple[float, float, float, float],
    style: str,
    prompt: str,
    anchor: str = "t",
) -> str:
    x, y, width, height = (int(each * _EMU) for each in box)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{name}"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr>'
        f"<p:nvPr><p:ph {kind}/></p:nvPr></p:nvSpPr>"
        f'<p:spPr><a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>'
        f'<p:txBody><a:bodyPr lIns="0" tIns="0" rIns="0" bIns="0" anchor="{anchor}"><a:normAutofit/></a:bodyPr>'
        f"<a:lstStyle>{style}</a:lstStyle><a:p>{prompt}</a:p></p:txBody></p:sp>"
    )


def _style(
    points: float, colour: str, face: str = "+mn-lt", *, strong: bool = False, right: bool = False
) -> str:
    return (
        f'<a:lvl1pPr marL="0" indent="0" algn="{"r" if right else "l"}"><a:buNone/>'
        f'<a:defRPr sz="{int(points * 100)}" b="{int(strong)}"><a:solidFill><a:schemeClr val="{colour}"/></a:solidFill>'
        f'<a:latin typeface="{face}"/></a:defRPr></a:lvl1pPr>'
    )


def _bar(number: int, name: str, box: tuple[float, float, float, float], colour: str) -> str:
    x, y, width, height = (int(each * _EMU) for each in box)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{name}"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr>'
        f'<p:spPr><a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
        f'<a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:solidFill>{colour}</a:solidFill>'
        "<a:ln><a:noFill/></a:ln></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/><a:p/></p:txBody></p:sp>"
    )


_RULE: Final = '<a:srgbClr val="D3D9D5"/>'
_SEAL: Final = '<a:schemeClr val="accent1"/>'


def _title(number: int) -> str:
    return _placeholder(
        number,
        "Title",
        'type="title"',
        (LEFT, 0.72, 11.93, 0.78),
        _style(26, "tx1", "+mj-lt"),
        _words("Title"),
    )


def _foot(number: int) -> str:
    return _placeholder(
        number,
        "Source",
        f'type="ftr" sz="quarter" idx="{FOOT}"',
        (LEFT, 6.92, 10.9, 0.34),
        _style(9, "tx2"),
        _words("Source"),
    )


def _number(number: int) -> str:
    return _placeholder(
        number,
        "Page",
        f'type="sldNum" sz="quarter" idx="{NUMBER}"',
        (11.83, 6.92, 0.8, 0.34),
        _style(9, "tx2", right=True),
        PAGE_FIELD,
    )


def _words(text: str) -> str:
    return f'<a:r><a:rPr lang="en-GB"/><a:t>{text}</a:t></a:r>'


PAGE_FIELD: Final = '<a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:rPr lang="en-GB"/><a:t>‹#›</a:t></a:fld>'


def _master_shapes() -> str:
    body = _placeholder(
        3,
        "Text",
        'type="body" idx="1"',
        (LEFT, CONTENT_TOP, 11.93, 4.95),
        _style(14, "tx1"),
        _words("Text"),
    )
    return _title(2) + body + _foot(4) + _number(5)


def _content_shapes() -> str:
    kicker = _placeholder(
        4,
        "Kicker",
        f'type="body" sz="quarter" idx="{KICKER}"',
        (LEFT, 0.4, 11.93, 0.28),
        _style(11, "accent1", strong=True),
        _words("Kicker"),
    )
    # Its prompt is the layout's: whoever edits sees it, and an empty one is neither shown nor printed.
    commentary = _placeholder(
        7,
        "Commentary",
        f'type="body" sz="quarter" idx="{COMMENTARY}" hasCustomPrompt="1"',
        (LEFT, 5.9, 11.93, 0.8),
        _style(14, "tx1"),
        _words("Commentary: click to write. Left empty, it is not shown."),
    )
    shapes = _title(3) + kicker + _foot(5) + _number(6) + commentary
    return _bar(2, "Rule", (LEFT, 6.84, 11.93, 0.01), _RULE) + shapes


def _cover_shapes() -> str:
    title = _placeholder(
        3,
        "Title",
        'type="ctrTitle"',
        (1.2, 2.0, 10.6, 1.5),
        _style(40, "tx1", "+mj-lt"),
        _words("Title"),
        anchor="b",
    )
    subtitle = _placeholder(
        4, "Subtitle", 'type="subTitle" idx="1"', (1.2, 3.7, 10.6, 0.9), _style(20, "tx2"), _words("Subtitle")
    )
    imprint = _placeholder(
        5,
        "Imprint",
        f'type="body" sz="quarter" idx="{IMPRINT}"',
        (1.2, 5.35, 10.9, 1.5),
        _style(11, "tx2"),
        _words("Imprint"),
    )
    return _bar(2, "Seal", (0.7, 2.0, 0.07, 2.6), _SEAL) + title + subtitle + imprint
