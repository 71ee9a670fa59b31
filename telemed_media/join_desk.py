"""Joins the call page to join links: a link's secret for a ticket, a refusal for an HTTP status."""

from __future__ import annotations

from signaling.ports import Refused
from signaling.shell.links import Links
from web.exchange import Exchange, ExchangeRefused, JoinTicket

_NOT_FOUND, _GONE = 404, 410


def exchange_by(links: Links) -> Exchange:
    """The exchange of `web.pages`, by the links of call control."""

    async def exchange(secret: str) -> JoinTicket:
        try:
            token, entry = await links.exchange(secret)
        except Refused as refused:
            status = _NOT_FOUND if refused.code == "link_unknown" else _GONE
            raise ExchangeRefused(refused.code, refused.message, status) from None
        return JoinTicket(token=token, name=entry.name, role=entry.role, room=entry.room)

    return exchange
