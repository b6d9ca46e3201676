"""One's own notifications: the inbox, and what is mailed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.errors import InvalidInput
from trust_portal.notify.topics import RULES, Topic
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, page_request, read_form
from trust_portal.web.navigation import own_frame
from trust_portal.web.templating import page


async def inbox(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    return page(
        request,
        "notifications/inbox.html",
        listed=await house.inbox.page(actor, page_request(request)),
        **await own_frame(request),
    )


async def open_notification(request: Request) -> Response:
    """Leads to what it is about. Whoever follows it has read it."""
    item = await house_of(request).inbox.open(actor_of(request), request.path_params["notification"])
    return RedirectResponse(item.notification.path, status_code=303)


async def read_all(request: Request) -> Response:
    await house_of(request).inbox.read_all(actor_of(request))
    return RedirectResponse("/notifications", status_code=303)


async def preferences(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    return page(
        request,
        "notifications/preferences.html",
        status_code=form.status,
        mailed=await house.inbox.mailed(actor),
        rules=RULES,
        has_mail=house.settings.smtp_url is not None,
        form=form,
        saved="saved" in request.query_params,
        **await own_frame(request),
    )


async def choose(request: Request) -> Response:
    form, actor, house = await read_form(request), actor_of(request), house_of(request)
    try:
        chosen = {Topic(str(each)) for each in form.getlist("topics")}
    except ValueError:
        refusal = InvalidInput("choose from what the form offers", field="topics")
        return await preferences(request, FormState({}, refusal))
    # Boxes that cannot be unticked are not sent by browsers.
    chosen |= {topic for topic, rule in RULES.items() if rule.insistent}
    await house.inbox.choose(actor, chosen)
    return RedirectResponse("/account/notifications?saved", status_code=303)


routes = [
    Route("/notifications", inbox, methods=["GET"]),
    Route("/notifications/read", read_all, methods=["POST"]),
    Route("/notifications/{notification:uuid}", open_notification, methods=["GET"]),
    Route("/account/notifications", preferences, methods=["GET"]),
    Route("/account/notifications", choose, methods=["POST"]),
]
