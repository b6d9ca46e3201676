"""A month of measurements of one objective, as NDJSON on standard output: python3 events.py 2026-06 > events.ndjson

One event a minute of the customer's month, each of 60 requests; on the 9th the API was down for an hour and a half.
Only the standard library is needed. docs/formats/events.md says what the fields mean.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

TENANT, OBJECTIVE, ZONE = "northwind", "api-availability", ZoneInfo("Europe/Berlin")
SOURCE = "https://probes.example/eu-1"
OUTAGE_DAY, OUTAGE = 9, timedelta(minutes=90)


def main(period: str) -> None:
    year, month = map(int, period.split("-"))
    first = datetime(year, month, 1, tzinfo=ZONE)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=ZONE)
    down = datetime(year, month, OUTAGE_DAY, 9, 30, tzinfo=ZONE).astimezone(UTC)
    minute = first.astimezone(UTC)
    while minute < after.astimezone(UTC):
        good = 0 if down <= minute < down + OUTAGE else 60
        event = {
            "specversion": "1.0",
            "type": "trustportal.sli.measured.v1",
            "id": f"{OBJECTIVE}-{minute:%Y-%m-%dT%H:%MZ}",
            "source": SOURCE,
            "time": f"{minute:%Y-%m-%dT%H:%M:%SZ}",
            "data": {"tenant": TENANT, "objective": OBJECTIVE, "total": 60, "good": good},
        }
        sys.stdout.write(json.dumps(event) + "\n")
        minute += timedelta(minutes=1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 events.py YYYY-MM > events.ndjson")
    main(sys.argv[1])
