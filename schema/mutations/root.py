"""All mutations as one type."""

from __future__ import annotations

import strawberry

from schema.mutations.reports import ReportMutations
from schema.mutations.tokens import TokenMutations


@strawberry.type(description="Acts. Each asks the policies, changes one thing, and leaves a receipt.")
class Mutation(ReportMutations, TokenMutations):
    pass
