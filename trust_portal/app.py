"""The ASGI application: the doors joined over one house.

``create_app()`` reads the settings from the environment (uvicorn's factory); tests hand in their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from schema.context import Context
from schema.root import schema
from schema.transport import endpoint
from trust_portal.access.sessions.model import SignedIn
from trust_portal.house import open_house
from trust_portal.runtime.shipped import shipped
from trust_portal.runtime.telemetry import configure_logging
from trust_portal.settings import Settings, load_settings
from trust_portal.web import errors
from trust_portal.web.authentication import Authentication
from trust_portal.web.bell import Bell
from trust_portal.web.context import actor_or_none, house_of
from trust_portal.web.security import SameOriginWrites, SecurityHeaders
from trust_portal.web.templating import portal_templates
from trust_portal.web.views import ROUTES
from trust_portal.web.waiting import Waiting


def create_app(settings: Settings | None = None) -> Starlette:
    """The portal, the event intake, GraphQL and health as one application."""
    settings = settings or load_settings()
    configure_logging(settings.log_format)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_house(settings) as house:
            await house.open()
            app.state.house = house
            watching = asyncio.create_task(house.policies.watch())
            try:
                yield
            finally:
                watching.cancel()

    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=shipped("static"))),
            # Below the exception handlers, so that a bad credential is answered like any refusal.
            Mount(
                "/",
                routes=[
                    Route("/graphql", endpoint(schema, _graphql_context), methods=["GET", "POST"]),
                    *ROUTES,
                ],
                middleware=[Middleware(Authentication), Middleware(Bell), Middleware(Waiting)],
            ),
        ],
        middleware=[
            Middleware(SecurityHeaders, secure=settings.secure),
            Middleware(SameOriginWrites, origin=settings.origin),
        ],
        lifespan=lifespan,
    )
    app.state.templates = portal_templates()
    errors.install(app)
    return app


def _graphql_context(request: Request) -> Context:
    signed_in: SignedIn | None = request.scope.get("state", {}).get("signed_in")
    brought_by = () if signed_in is None else signed_in.brought_by
    return Context(house=house_of(request), caller=actor_or_none(request), brought_by=brought_by)
