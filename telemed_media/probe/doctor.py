"""The whole look: this machine, the door of the pages, a call over each transport there is."""

from __future__ import annotations

import secrets
import ssl
import time
from functools import partial
from urllib.parse import urlsplit

import aiohttp

from sfu.core.turn.message import Address
from telemed_media.clinic_faces import served_address
from telemed_media.config import Settings
from telemed_media.data_folder import DataFolder
from telemed_media.probe.call import STAGE_S, Caller, Refused, Session
from telemed_media.probe.facts import Attempt, Entrance
from telemed_media.probe.surroundings import look_around
from telemed_media.probe.transports import open_ice_tcp, open_turn, open_udp
from telemed_media.probe.verdict import (
    Finding,
    judge_attempts,
    judge_entrance,
    judge_surroundings,
)
from telemed_media.tokens import TokenError, TokenRequest, make_token, revoke_token

TOKEN_S = 300.0
MAX_ADDRESSES = 8  # of one kind; each may take four stages of STAGE_S


async def examine(folder: DataFolder, settings: Settings) -> list[Finding]:
    """Every finding, this machine's first. Raises ReachError for settings that lead nowhere."""
    url = served_address(folder, settings)
    room = f"doctor-{secrets.token_hex(4)}"  # of its own: an earlier one may be over
    seat = TokenRequest(room, "Doctor", "publish", TOKEN_S, device=True, admitted=True)
    token, problem = "", ""
    try:
        token = await make_token(folder, settings.database_url, seat)
    except TokenError as error:
        problem = str(error)
    host = (urlsplit(url).hostname or "").lower()
    found = look_around(settings, folder, host, problem, time.time())
    findings = judge_surroundings(found)
    if not token:
        return findings
    try:
        entrance, attempts = await _call(folder, settings, f"{url}/whip/{room}", token)
    finally:
        await revoke_token(folder, settings.database_url, token)
    findings.append(judge_entrance(entrance))
    if not entrance.problem:
        findings += judge_attempts(attempts, found.own_addresses)
    return findings


async def _call(
    folder: DataFolder, settings: Settings, whip: str, token: str
) -> tuple[Entrance, list[Attempt]]:
    url = whip.partition("/whip/")[0]
    trust = ssl.create_default_context()
    authority = folder.tls / "ca.pem"
    if settings.tls_cert is None and authority.exists():
        trust.load_verify_locations(str(authority))
    timeout = aiohttp.ClientTimeout(total=4 * STAGE_S)
    async with aiohttp.ClientSession(timeout=timeout) as web:
        try:
            async with web.get(f"{url}/readyz", ssl=trust) as reply:
                if reply.status != 200:
                    return Entrance(url, "not_ready", (await reply.text())[:200]), []
            return Entrance(url), await _call_everywhere(Caller(web, trust, token), whip, trust)
        except Refused as why:
            return Entrance(url, "refused", str(why)), []
        except aiohttp.ClientConnectorCertificateError as why:
            return Entrance(url, "untrusted", str(why.certificate_error)), []
        except aiohttp.ClientConnectorError as why:
            return Entrance(url, "unreachable", why.os_error.strerror or "no connection"), []
        except (aiohttp.ClientError, TimeoutError) as why:
            return Entrance(url, "unreachable", str(why) or "no answer"), []


async def _call_everywhere(caller: Caller, whip: str, trust: ssl.SSLContext) -> list[Attempt]:
    """One after the other, each in a session of its own: the server has one path per session."""
    first = await caller.enter(whip)
    await caller.leave(first)
    attempts = []
    for server in first.answer.udp[:MAX_ADDRESSES]:
        session = await caller.enter(whip)
        way = partial(open_udp, server)
        attempts.append(await caller.attempt(session, "udp", (server.host, server.port), way))
        await caller.leave(session)
    for server in first.answer.tcp[:MAX_ADDRESSES]:
        session = await caller.enter(whip)
        way = partial(open_ice_tcp, server)
        attempts.append(await caller.attempt(session, "ice-tcp", (server.host, server.port), way))
        await caller.leave(session)
    for number in range(len(first.relays[:MAX_ADDRESSES])):
        attempts += await _call_by_relay(caller, await caller.enter(whip), number, trust)
    return attempts


async def _call_by_relay(
    caller: Caller, session: Session, number: int, trust: ssl.SSLContext
) -> list[Attempt]:
    """Over the relay of that number, with the credential of this session."""
    peer = next(iter(session.answer.udp), None)
    attempts = []
    if peer is not None and number < len(session.relays):
        turn = session.relays[number]
        way = partial(open_turn, turn, trust, Address(peer.host, peer.port))
        attempts.append(await caller.attempt(session, "turn-tls", (turn.host, turn.port), way))
    await caller.leave(session)
    return attempts
