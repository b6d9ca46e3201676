"""The Switchboard: what is owed after incidents, narrowed by filters in the address; the coverage ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.documents import formats
from trust_portal.documents.charts import Point, bar_chart
from trust_portal.documents.csv import write_csv
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import Board
from trust_portal.learning.switchboard.coverage import ASSUMED
from trust_portal.learning.switchboard.debt import WEIGHTS, Owed
from trust_portal.learning.switchboard.model import NO_SERVICE, NO_TEAM, BoardFilter, Grouping, SavedView
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import FormState, one_of, read_form, texts
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page

_FILTERS: Final = ("service", "team", "owner", "severity")
_DEBT_COLUMNS: Final = (
    "owed",
    "id",
    "title",
    "severity",
    "service",
    "team",
    "owner",
    "since",
    "due",
    "late",
    "weight",
    "weeks_late",
    "moves",
    "points",
)
_LEDGER_COLUMNS: Final = (
    "incident",
    "name",
    "worst_severity",
    "severity_now",
    "owner",
    "since",
    "cover",
    "covered_by",
    "days",
)
_CSV: Final = "text/csv; charset=utf-8"
_DUE_NEXT: Final = 12
_GAPS: Final = 10
_ESCALATIONS: Final = 10
_GROUPS: Final = 12
_LINES: Final = 50
_COVERS: Final = {
    "signed": ("good", "Signed"),
    "merged": ("good", "Covered by what it was merged into"),
    "outdated": ("warn", "Signed, facts since"),
    "unsigned": ("warn", "Not signed"),
    "missing": ("bad", "Missing"),
    "waiting": ("warn", "Told, not taken in yet"),
    "undeclared": ("bad", "Never declared"),
    "unmatched": ("bad", "Taken by no rule"),
    "refused": ("bad", "Turned away"),
}
#: Where each figure can be looked at one by one.
_LISTS: Final = {
    "open": "/actions?state=open&order=due",
    "overdue": "/actions?overdue=yes&order=due",
    "agreed": "/actions?agreed=yes",
    "unsigned": "/postmortems?show=unsigned",
    "late": "/postmortems?show=late",
    "missing": "/switchboard/coverage?show=missing",
    "coverage": "/switchboard/coverage",
    "gaps": "/switchboard/coverage?show=gaps",
}
_GROUPINGS: Final = (
    (Grouping.SERVICE, "service"),
    (Grouping.TEAM, "team"),
    (Grouping.OWNER, "owner"),
    (Grouping.SEVERITY, "severity"),
)


async def switchboard(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    board = await house.switchboard.board(actor, _wanted(asked))
    wall = request.query_params.get("wall") == "1"
    escalated = (await house.switchboard.escalations(actor, PageRequest(_ESCALATIONS))).items
    filters = urlencode({name: value for name, value in asked.items() if value})
    return page(
        request,
        "switchboard/wall.html" if wall else "switchboard/board.html",
        part="switchboard/live.html",
        status_code=form.status,
        board=board,
        wall=wall,
        asked=asked,
        filters=filters,
        choices={by.value: list(board.choices[by]) for by in Grouping},
        groupings=_GROUPINGS,
        shown=_GROUPS,
        group_links=_links(board, asked),
        lists=_lists(board.wanted),
        group_lists={
            by: {
                each.key: _lists(replace(board.wanted, **_wanted_of(by, each.key)))
                for each in groups[:_GROUPS]
            }
            for by, groups in board.groups.items()
        },
        due_next=board.due_next(_DUE_NEXT),
        dated=board.dated,
        gaps=board.ledger.gaps[:_GAPS],
        late_postmortems=sum(each.late and each.owed.is_unsigned for each in board.debt.addends),
        escalations=escalated,
        waiting=await house.switchboard.count_escalations(actor),
        noting=await house.switchboard.noting(actor, (each.action.id for each in escalated)),
        covers=_COVERS,
        assumed=ASSUMED.value,
        weights={severity.value: weight for severity, weight in WEIGHTS.items()},
        chart=_chart(board),
        trend_rows=[[formats.day(at), f"{points:,}"] for at, points in board.trend],
        views=await house.switchboard.views(actor),
        form=form,
        **({} if wall else frame(request)),
    )


async def addends_csv(request: Request) -> Response:
    """Every addend of the debt, with the filters of the page."""
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    board = await house_of(request).switchboard.board(actor_of(request), _wanted(asked))
    rows = [
        (
            each.owed.value,
            None if each.gap else str(each.id),
            each.title,
            each.whose.severity.value,
            each.whose.service or None,
            each.whose.team,
            each.whose.owner,
            each.since.date().isoformat(),
            None if each.due is None else each.due.isoformat(),
            "yes" if each.late else "no",
            each.weight,
            each.weeks,
            each.moves,
            each.points,
        )
        for each in board.debt.addends
    ]
    return attachment(write_csv(_DEBT_COLUMNS, rows), _CSV, "incident-debt.csv")


async def coverage(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    show = request.query_params.get("show", "")
    if show not in {"", "gaps", "missing"}:
        raise InvalidInput("choose gaps, missing, or nothing", field="show")
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    wanted = _wanted(asked)
    ledger, at = await house.switchboard.coverage(actor, wanted)
    lines = ledger.gaps if show else ledger.lines
    if show == "missing":
        board = await house.switchboard.board(actor, wanted)
        owed = {each.id for each in board.debt.addends if each.owed is Owed.MISSING}
        lines = tuple(
            each for each in lines if each.missing and (each.incident is None or each.incident.id in owed)
        )
    filters = {name: value for name, value in asked.items() if value}
    start = _start(request.query_params.get("from"), len(lines))
    return page(
        request,
        "switchboard/coverage.html",
        ledger=ledger,
        at=at,
        lines=lines[start : start + _LINES],
        first=start + 1,
        total=len(lines),
        show=show,
        asked=filters,
        filters=urlencode(filters),
        previous=_further(filters, show, start - _LINES) if start else None,
        next=_further(filters, show, start + _LINES) if start + _LINES < len(lines) else None,
        covers=_COVERS,
        **frame(request),
    )


async def coverage_csv(request: Request) -> Response:
    """Every line of the ledger, with the filters of the page."""
    wanted = _wanted({name: request.query_params.get(name, "") for name in _FILTERS})
    ledger, at = await house_of(request).switchboard.coverage(actor_of(request), wanted)
    rows = [
        (
            None if each.incident is None else str(each.incident.id),
            each.name,
            None if each.worst_severity is None else each.worst_severity.value,
            None if each.incident is None else each.incident.severity.value,
            each.owner,
            each.since.date().isoformat(),
            each.cover.value,
            None if each.covered_by is None else str(each.covered_by),
            each.days(at) if each.cover.is_gap else None,
        )
        for each in ledger.lines
    ]
    return attachment(write_csv(_LEDGER_COLUMNS, rows), _CSV, "coverage.csv")


async def keep_view(request: Request) -> Response:
    form = await read_form(request)
    try:
        asked = dict(parse_qsl(str(form.get("query", ""))))
        wanted = _wanted({name: asked.get(name, "") for name in _FILTERS})
        view = SavedView(str(form.get("name", "")), wanted.query)
        await house_of(request).switchboard.keep_view(actor_of(request), view)
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await switchboard(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/switchboard?{view.query}", status_code=303)


async def forget_view(request: Request) -> Response:
    form = await read_form(request)
    await house_of(request).switchboard.forget_view(actor_of(request), str(form.get("name", "")))
    return RedirectResponse("/switchboard", status_code=303)


def _wanted(asked: Mapping[str, str]) -> BoardFilter:
    return BoardFilter(
        service="" if asked["service"] == NO_SERVICE else asked["service"] or None,
        team="" if asked["team"] == NO_TEAM else asked["team"] or None,
        owner=asked["owner"] or None,
        severity=one_of(Severity, asked["severity"], "severity"),
    )


def _links(board: Board, asked: Mapping[str, str]) -> dict[Grouping, dict[str, str]]:
    """The filter of each group, within what is filtered already."""
    kept = {name: value for name, value in asked.items() if value}
    return {
        by: {each.key: urlencode(kept | {by.value: each.key or NO_TEAM}) for each in groups[:_GROUPS]}
        for by, groups in board.groups.items()
    }


def _chart(board: Board) -> Any:
    points = [Point(formats.short_day(at), Decimal(value)) for at, value in board.trend]
    first, last = board.trend[0][1], board.trend[-1][1]
    return bar_chart(
        points,
        title="Incident debt, week by week",
        description=f"From {first:,} points twelve weeks ago to {last:,} now.",
    )


def _start(text: str | None, total: int) -> int:
    digits = text or "0"
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise InvalidInput("this is not a place in the ledger", field="from")
    return min(int(digits), total)


def _further(filters: Mapping[str, str], show: str, start: int) -> str:
    return "?" + urlencode({**filters, **({"show": show} if show else {}), "from": max(start, 0)})


def _wanted_of(by: Grouping, key: str) -> dict[str, Any]:
    """The part of a filter that names a group."""
    return {by.value: Severity(key) if by is Grouping.SEVERITY else key}


def _lists(wanted: BoardFilter) -> dict[str, str]:
    """``_LISTS`` of what ``wanted`` keeps."""
    query = wanted.query
    return {
        name: f"{path}{'&' if '?' in path else '?'}{query}" if query else path
        for name, path in _LISTS.items()
    }


routes = [
    Route("/switchboard", switchboard, methods=["GET"]),
    Route("/switchboard.csv", addends_csv, methods=["GET"]),
    Route("/switchboard/coverage", coverage, methods=["GET"]),
    Route("/switchboard/coverage.csv", coverage_csv, methods=["GET"]),
    Route("/switchboard/views", keep_view, methods=["POST"]),
    Route("/switchboard/views/forget", forget_view, methods=["POST"]),
]
