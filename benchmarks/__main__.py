"""Run every ``benchmarks/bench_*.py``, or those named, and print one table.

Exit status 0 when every row passes, 1 when one does not or a benchmark failed, 2 for an unknown name.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from importlib import import_module
from pathlib import Path

from benchmarks.row import Row

_HEADINGS = ("", "what", "measured", "unit", "limit", "ratio", "against")


def available() -> list[str]:
    """Names of the benchmarks, without the ``bench_`` prefix, sorted."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in {2, 4, 5} else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _cells(row: Row) -> tuple[str, ...]:
    mark = "  " if row.limit is None else "ok" if row.passed else "✗ "
    return (
        mark,
        row.name,
        _number(row.measured),
        row.unit,
        "" if row.limit is None else _number(row.limit),
        "" if row.ratio is None else f"{row.ratio:.3f}",
        row.limit_name,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"


def main(arguments: list[str]) -> int:
    names = arguments or available()
    unknown = sorted(set(names) - set(available()))
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(available())}")
        return 2
    rows: list[Row] = []
    failed = False
    for name in names:
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            rows += asyncio.run(import_module(f"benchmarks.bench_{name}").run())
        except Exception:  # noqa: BLE001 - one broken benchmark must not hide the others' figures
            traceback.print_exc()
            failed = True
    print(table(rows))
    return 1 if failed or not all(row.passed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
