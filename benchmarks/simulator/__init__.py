"""A seeded world of spending with known causes: what detection and explanation are measured on.

``make_world(seed)`` is a pure function of its seed. A world holds hourly money per (tenant,
subsystem), the same money had nothing happened, every event with its cause, and how late each
hour's figure arrived. The figures in ``docs/detection.md`` come from seeds no threshold has seen.
"""

from benchmarks.simulator.model import Event, Kind, World
from benchmarks.simulator.world import make_world

__all__ = ["Event", "Kind", "World", "make_world"]
