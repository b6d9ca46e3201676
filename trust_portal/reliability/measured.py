"""What was measured of an objective, as the engine's columns."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import numpy as np

from trust_portal.facts.measurements import ABSENT, MeasurementColumns, read_measurements
from trust_portal.reliability.attainment.model import ABSENT as NOT_GIVEN
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.contracts.model import Sla
from trust_portal.storage.unit_of_work import ReadSession


async def read_samples(
    session: ReadSession, tenant_id: UUID, sla: Sla, start: datetime, end: datetime
) -> Samples:
    """The samples whose minute lies in ``start`` <= minute < ``end``."""
    return as_samples(await read_measurements(session, tenant_id, sla.objective, start, end), sla)


def as_samples(columns: MeasurementColumns, sla: Sla) -> Samples:
    """Stored columns as the engine's. Only a ratio needs ``good``: a bucket stands in for it elsewhere."""
    from_buckets = sla.latency_threshold is not None or bool(sla.weights)
    return Samples(
        minutes=columns.minute,
        total=columns.total,
        good=np.where(columns.good == ABSENT, 0 if from_buckets else NOT_GIVEN, columns.good),
        buckets={
            bound: np.where(counts == ABSENT, NOT_GIVEN, counts) for bound, counts in columns.buckets.items()
        },
    )
