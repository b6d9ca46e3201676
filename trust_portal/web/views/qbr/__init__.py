"""Business reviews of a tenant: the list with its commitments, a draft with its slots, one that went out."""

from trust_portal.web.views.qbr import acts, internal, lists, one

routes = [*lists.routes, *one.routes, *acts.routes, *internal.routes]
