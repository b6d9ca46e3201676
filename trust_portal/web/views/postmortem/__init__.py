"""Postmortems: the list, one as it is written and signed, its versions and releases; a customer's copies."""

from trust_portal.web.views.postmortem import acts, copies, lists, one, releases

routes = [*lists.routes, *one.routes, *acts.routes, *releases.routes, *copies.routes]
