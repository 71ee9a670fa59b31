"""The doors for devices: WHIP (RFC 9725) at `/whip/{room}`, WHEP (draft-ietf-wish-whep) likewise.

POST opens a session, PATCH trickles candidates or restarts ICE, DELETE ends it. A session's
address holds the hash of a key that nobody was given: it can be looked up after a restart, cannot
be guessed, and still opens nothing without the bearer token. That token keeps its owner's session
manageable after it has expired; only POST looks at its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from aiohttp import web

from signaling.core import devices, problems, relays, sdpfrag
from signaling.core.closing import Closing
from signaling.core.records import SeatRecord, hash_of
from signaling.core.seat_states import LIVE
from signaling.core.settings import RelaySettings
from signaling.core.state import NewSeat
from signaling.ports import DeviceOffer, Entry, Refused, Way
from signaling.shell import log, requests
from signaling.shell.actor import Input, Services
from signaling.shell.addresses import HelloLimits
from signaling.shell.exchange import Exchange
from signaling.shell.ids import Ids
from signaling.shell.lanes import COMMAND_TIMEOUT_S
from signaling.shell.replies import Refusal, ice_links, preflight, problem, reply
from signaling.shell.rooms import Rooms

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
WAYS: tuple[Way, ...] = ("whip", "whep")
ANSWER_WITHIN_S = 2 * COMMAND_TIMEOUT_S  # the media lane gives up before

Action = Callable[[web.Request], Awaitable[web.Response]]


class DeviceDoor:
    """Both ways share everything but the right that they need."""

    def __init__(
        self,
        services: Services,
        rooms: Rooms,
        hellos: HelloLimits,
        ids: Ids,
        relay: RelaySettings,
    ) -> None:
        self._services = services
        self._rooms = rooms
        self._hellos = hellos
        self._ids = ids
        self._relay = relay
        self._exchanges: set[Exchange] = set()
        self._closed = False

    def add_routes(self, app: web.Application) -> None:
        """Serve `/whip/…` and `/whep/…`."""
        for way in WAYS:
            endpoint: dict[str, Action] = {"POST": partial(self._open, way)}
            session: dict[str, Action] = {
                "PATCH": partial(self._patch, way),
                "DELETE": partial(self._end, way),
            }
            path = f"/{way}/{{room}}"
            app.router.add_route("*", path, self._serve(endpoint, {"Accept-Post": SDP}))
            path += "/{session}"
            app.router.add_route("*", path, self._serve(session, {"Accept-Patch": FRAGMENT}))

    def close(self) -> None:
        """Let nobody in any more; who waits is told to come again."""
        self._closed = True
        for exchange in self._exchanges:
            exchange.close(Closing.RESTARTING)

    def _serve(self, actions: Mapping[str, Action], accepts: Mapping[str, str]) -> Action:
        allow = ", ".join((*actions, "OPTIONS"))

        async def handle(request: web.Request) -> web.Response:
            if request.method == "OPTIONS":
                return preflight(allow, accepts)
            try:
                if request.method not in actions:
                    raise Refusal("method_not_allowed")
                if self._closed:
                    raise Refusal("restarting")
                return await actions[request.method](request)
            except Refusal as refusal:
                log.note("device refused", code=refusal.code)
                return problem(refusal, allow)

        return handle

    async def _open(self, way: Way, request: web.Request) -> web.Response:
        address = str(request.get("client") or request.remote or "")
        if not self._hellos.allows(address, self._services.clock()):
            raise Refusal("rate_limit")
        requests.check_accepts(request, SDP)
        token = requests.bearer(request)
        entry = await self._owner(token)
        refused = devices.refusal(entry, request.match_info["room"], way)
        if refused:
            raise Refusal(refused)
        follow = requests.followed(request) if way == "whep" else None
        offer = DeviceOffer(await requests.body(request, SDP), way, follow)
        entry = await self._enter(token)
        fresh = NewSeat(self._ids.participant(), self._ids.secret())
        answer = await self._answer(entry, fresh, offer)
        location = f"/{way}/{entry.room}/{hash_of(fresh.key).hex()}"
        tag = sdpfrag.entity_tag(offer.sdp)
        headers = {"Location": location, "ETag": f'"{tag}"', "Content-Type": SDP}
        servers = relays.ice_servers(self._relay, entry.subject, self._services.clock())
        if servers:
            headers["Link"] = ice_links(servers)
        return reply(201, headers, answer)

    async def _answer(self, entry: Entry, fresh: NewSeat, offer: DeviceOffer) -> str:
        exchange = Exchange(self._ids.connection())
        self._exchanges.add(exchange)
        try:
            actor = await self._rooms.bring(
                exchange,
                entry.room,
                lambda room, _now: room.receive_device(exchange.id, entry, fresh, offer),
            )
            try:
                return await exchange.answer(ANSWER_WITHIN_S)
            finally:
                actor.lose(exchange)
        finally:
            self._exchanges.discard(exchange)

    async def _patch(self, way: Way, request: web.Request) -> web.Response:
        seat = await self._session(way, request)
        requests.check_if_match(request, seat.ice_tag)
        text = await requests.body(request, FRAGMENT)
        try:
            fragment = sdpfrag.parse(text)
        except sdpfrag.BadFragment:
            raise Refusal("bad_fragment") from None
        tag = sdpfrag.entity_tag(text)
        if not fragment.ufrag or tag == seat.ice_tag:
            return reply(204)
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                ice = await self._services.plane.restart_ice(
                    seat.participant, fragment.ufrag, fragment.password
                )
        except Refused as why:
            gone = why.code == "unknown_peer"
            raise Refusal("no_session" if gone else "media_unavailable") from None
        except TimeoutError:
            raise Refusal("media_unavailable") from None
        await self._tell(seat, lambda room, _now: room.receive_ice_restart(seat.participant, tag))
        headers = {"ETag": f'"{tag}"', "Content-Type": FRAGMENT}
        return reply(200, headers, sdpfrag.write(fragment.head, ice))

    async def _end(self, way: Way, request: web.Request) -> web.Response:
        seat = await self._session(way, request)
        await self._tell(seat, lambda room, now: room.receive_device_end(seat.participant, now))
        return reply(200)

    async def _session(self, way: Way, request: web.Request) -> SeatRecord:
        """The living session that the path names and the token's owner has."""
        owner = await self._owner(requests.bearer(request))
        key_hash = requests.session_of(request)
        seat = await self._services.store.seat_by_key(key_hash) if key_hash else None
        named = (way, request.match_info["room"], owner.subject)
        if (
            seat is None
            or seat.state not in LIVE
            or (seat.device, seat.room, seat.subject) != named
            or owner.room != seat.room
        ):
            raise Refusal("no_session")
        return seat

    async def _tell(self, seat: SeatRecord, apply: Input) -> None:
        actor = self._rooms.actor(seat.room)
        done = actor.post(apply) if actor is not None else None
        if done is None:
            raise Refusal("no_session")
        await done

    async def _owner(self, token: str) -> Entry:
        try:
            return await self._services.gate.identify(token)
        except Refused as why:
            raise _refusal(why) from None

    async def _enter(self, token: str) -> Entry:
        try:
            return await self._services.gate.enter(token)
        except Refused as why:
            raise _refusal(why) from None


def _refusal(why: Refused) -> Refusal:
    """A gatekeeper's own code is told as the nearest that is known, in its own words."""
    if why.code in problems.PROBLEMS:
        return Refusal(why.code)
    return Refusal("token_invalid", why.message)
