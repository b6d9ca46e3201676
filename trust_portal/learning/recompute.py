"""What of this room's documents can be derived again from the files in their own bundles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trust_portal.evidence.verdict import Mismatch
from trust_portal.learning.postmortems.copy_attestation import recompute_copy
from trust_portal.learning.postmortems.model import COPY_KIND, KIND
from trust_portal.learning.postmortems.recompute import recompute_postmortem

#: By document kind; what ``verify --recompute`` looks up.
RECOMPUTERS: Mapping[str, Callable[[Mapping[str, bytes]], Sequence[Mismatch]]] = {
    KIND: recompute_postmortem,
    COPY_KIND: recompute_copy,
}
