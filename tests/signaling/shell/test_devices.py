"""The doors for devices over a real HTTP server: every status, every refusal, every header."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from signaling import ports
from signaling.core import messages as m
from signaling.core.problems import PROBLEMS
from signaling.core.rights import Rights
from signaling.core.settings import Rate
from tests.signaling.shell.clinic import DOCTOR, ROOM, Clinic
from tests.signaling.shell.device import FRAGMENT, SDP, Cart, fragment, offer

PUBLISHER = Rights(publish=True)


@pytest.fixture
def cart(clinic: Clinic) -> Cart:
    return Cart(clinic, clinic.token("cart", device=True, waits=False))


async def test_a_session_is_created_and_ended(clinic: Clinic, cart: Cart) -> None:
    made = await cart.post("whip")
    assert (made.status, made.body) == (201, f"answer to {offer()}")
    assert made.headers["Content-Type"] == SDP
    assert made.headers["Location"].startswith(f"/whip/{ROOM}/")
    assert made.headers["Link"].startswith(
        '<turns:clinic.example:443?transport=tcp>; rel="ice-server"; username="'
    )
    assert made.headers["ETag"].startswith('"')
    assert (await cart.delete()).status == 200
    assert cart.code(await cart.delete()) == (404, "no_session")
    await clinic.until(lambda: len(clinic.plane.named("close_peer")) == 1)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Authorization": ""}, (401, "token_missing")),
        ({"Authorization": "Basic YTpi"}, (401, "token_missing")),
        ({"Authorization": "Bearer short"}, (401, "token_invalid")),
        ({"Authorization": "Bearer " + "x" * 40}, (401, "token_invalid")),
        ({"Authorization": "Bearer " + "x" * 5000}, (401, "token_invalid")),
        ({"Accept": "text/html"}, (406, "not_acceptable")),
        ({"Accept": "application/sdp;q=0"}, (406, "not_acceptable")),
        ({"Content-Type": "text/plain"}, (415, "media_type")),
        ({"Content-Type": FRAGMENT}, (415, "media_type")),
    ],
)
async def test_a_request_of_a_wrong_form_is_refused(
    clinic: Clinic, cart: Cart, headers: dict[str, str], problem: tuple[int, str]
) -> None:
    assert cart.code(await cart.post("whip", **headers)) == problem
    assert not clinic.plane.named("connect")


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html, application/sdp;q=0.5", "application/sdp"]
)
async def test_a_client_that_takes_sdp_is_answered(cart: Cart, accept: str) -> None:
    assert (await cart.post("whip", Accept=accept)).status == 201


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ({"ttl_s": -1, "waits": False}, (401, "token_expired")),
        ({"waits": True}, (403, "device_waits")),
        ({"room": "visit-2", "waits": False}, (403, "other_room")),
        ({"rights": Rights(subscribe=True), "waits": False}, (403, "not_allowed")),
    ],
)
async def test_a_token_that_opens_nothing_here_is_refused(
    clinic: Clinic, token: dict[str, Any], problem: tuple[int, str]
) -> None:
    cart = Cart(clinic, clinic.token("cart", device=True, **token))
    assert cart.code(await cart.post("whip")) == problem


async def test_who_only_publishes_may_not_watch(clinic: Clinic) -> None:
    token = clinic.token("cart", device=True, waits=False, rights=PUBLISHER)
    assert Cart.code(await Cart(clinic, token).post("whep")) == (403, "not_allowed")


async def test_a_room_that_nobody_opened_is_not_there(clinic: Clinic) -> None:
    cart = Cart(clinic, clinic.token("cart", room="nowhere", device=True, waits=False))
    assert cart.code(await cart.post("whip", room="nowhere")) == (404, "unknown_room")


async def test_a_withdrawn_token_is_refused(clinic: Clinic, cart: Cart) -> None:
    clinic.desk.revoke(cart.token)
    assert cart.code(await cart.post("whip")) == (401, "token_revoked")


async def test_an_ordinary_token_works_once_and_not_for_nothing(clinic: Clinic) -> None:
    """A body that is refused before the room is asked does not use the token up."""
    cart = Cart(clinic, clinic.token("cart", waits=False))
    assert (await cart.post("whip", **{"Content-Type": "text/plain"})).status == 415
    assert (await cart.post("whip")).status == 201
    assert cart.code(await cart.post("whip")) == (401, "token_used")


async def test_a_large_body_is_refused(cart: Cart) -> None:
    assert cart.code(await cart.post("whip", text="x" * 65_537)) == (413, "too_large")


async def test_a_large_body_of_unknown_length_is_refused(cart: Cart) -> None:
    assert cart.code(await cart.post_chunks("whip", 70)) == (413, "too_large")


async def test_a_body_that_is_no_text_is_refused(clinic: Clinic, cart: Cart) -> None:
    assert cart.code(await cart.post_chunks("whip", 3, b"v=0\xff\xfe\r\n")) == (422, "bad_sdp")
    assert not clinic.plane.named("connect")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_the_endpoint_takes_only_post(cart: Cart, method: str) -> None:
    refused = await cart.request(method, f"/whip/{ROOM}")
    assert (refused.status, refused.headers["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_a_session_takes_only_patch_and_delete(cart: Cart, method: str) -> None:
    refused = await cart.request(method, f"/whip/{ROOM}/{'0' * 64}")
    assert (refused.status, refused.headers["Allow"]) == (405, "PATCH, DELETE, OPTIONS")


async def test_a_page_of_any_origin_may_ask(cart: Cart) -> None:
    allowed = await cart.request("OPTIONS", f"/whep/{ROOM}", Authorization="")
    assert allowed.status == 204
    assert allowed.headers["Accept-Post"] == SDP
    assert allowed.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    headers = allowed.headers["Access-Control-Allow-Headers"]
    assert headers == "Authorization, Content-Type, If-Match"
    session = await cart.request("OPTIONS", f"/whep/{ROOM}/{'0' * 64}", Authorization="")
    assert session.headers["Accept-Patch"] == FRAGMENT
    for reply in (allowed, session, await cart.post("whip"), await cart.request("GET", "/whip/r")):
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location, ETag" in reply.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in reply.headers


async def test_a_problem_says_what_to_do(cart: Cart) -> None:
    refused = await cart.post("whip", Authorization="")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert msgspec.json.decode(refused.body) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": PROBLEMS["token_missing"].detail,
        "code": "token_missing",
    }


async def test_an_address_may_not_try_all_the_time(clinic: Clinic) -> None:
    clinic.settings = msgspec.structs.replace(clinic.settings, hellos=Rate(per_s=0.001, burst=1))
    await clinic.restart()
    cart = Cart(clinic, clinic.token("cart", device=True, waits=False))
    assert (await cart.post("whip")).status == 201
    refused = await cart.post("whip")
    assert cart.code(refused) == (429, "rate_limit")
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("bad_sdp", (422, "bad_sdp")),
        ("room_full", (409, "room_full")),
        ("media_unavailable", (503, "media_unavailable")),
        ("something_new", (503, "media_unavailable")),
    ],
)
async def test_what_the_media_plane_refuses_is_told_and_nobody_is_seated(
    clinic: Clinic, cart: Cart, code: str, problem: tuple[int, str]
) -> None:
    clinic.plane.refusal = ports.Refused(code, "In words.")
    refused = await cart.post("whip")
    assert cart.code(refused) == problem
    assert msgspec.json.decode(refused.body)["detail"] == "In words."
    assert await clinic.store.seats(ROOM) == []
    await clinic.until(lambda: clinic.calls.counters["rooms"] == 0)


async def test_a_refused_offer_leaves_the_earlier_session_alone(clinic: Clinic, cart: Cart) -> None:
    await cart.post("whip")
    clinic.plane.refusal = ports.Refused("bad_sdp", "In words.")
    assert (await Cart(clinic, cart.token).post("whip")).status == 422
    assert (await cart.delete()).status == 200


async def test_a_locked_room_takes_no_device_but_keeps_those_inside(
    clinic: Clinic, cart: Cart
) -> None:
    await cart.post("whip")
    bob = await clinic.join("bob")
    await bob.ask(m.Lock, locked=True)
    late = Cart(clinic, clinic.token("late", device=True, waits=False))
    assert late.code(await late.post("whip")) == (409, "locked")
    assert (await cart.post("whip")).status == 201, "it comes back to its place"


async def test_a_full_room_takes_no_device(clinic: Clinic, cart: Cart) -> None:
    room = msgspec.structs.replace(clinic.settings.room, max_admitted=1)
    clinic.settings = msgspec.structs.replace(clinic.settings, room=room)
    await clinic.restart()
    await clinic.join("bob")
    assert cart.code(await cart.post("whip")) == (409, "room_full")


async def test_who_was_removed_stays_out(clinic: Clinic, cart: Cart) -> None:
    await cart.post("whip")
    bob = await clinic.join("bob")
    people = (await bob.hear(m.Room)).participants
    [found] = [one for one in people if one.id != bob.participant]
    assert isinstance(await bob.ask(m.Remove, participant=found.id), m.Done)
    assert cart.code(await cart.delete()) == (404, "no_session")
    assert cart.code(await cart.post("whip")) == (403, "removed")


async def test_an_ended_visit_is_over_for_devices_too(clinic: Clinic, cart: Cart) -> None:
    await cart.post("whip")
    bob = await clinic.join("bob")
    await bob.ask(m.End)
    assert cart.code(await cart.delete()) == (404, "no_session")
    assert cart.code(await cart.post("whip")) == (404, "visit_ended")


async def test_people_see_a_device_and_what_it_sends(clinic: Clinic, cart: Cart) -> None:
    bob = await clinic.join("bob")
    await bob.nothing_but_pong()
    await cart.post("whip")
    [_, seen] = (await bob.hear(m.Room)).participants
    assert (seen.connected, seen.media, seen.camera) == (True, False, False)
    assert seen.rights == PUBLISHER
    clinic.plane.tell(ports.PeerConnected(ROOM, seen.id))
    clinic.plane.tell(ports.TrackAdded(ROOM, seen.id, "camera"))
    await bob.hear(m.Room)
    [_, seen] = (await bob.hear(m.Room)).participants
    assert (seen.media, seen.camera, seen.microphone) == (True, True, False)
    clinic.plane.tell(ports.PeerLost(ROOM, seen.id, "path"))
    assert len((await bob.hear(m.Room)).participants) == 1
    assert cart.code(await cart.delete()) == (404, "no_session")


async def test_the_newest_session_replaces_the_one_before(clinic: Clinic, cart: Cart) -> None:
    first = await cart.post("whip")
    second = await Cart(clinic, cart.token).post("whip")
    viewer = Cart(clinic, cart.token)
    assert (await viewer.post("whep")).status == 201
    assert first.headers["Location"] != second.headers["Location"]
    assert cart.code(await cart.delete()) == (404, "no_session")
    live = [seat.device for seat in await clinic.store.seats(ROOM) if seat.state.value != "left"]
    assert live == ["whip", "whep"]


async def test_a_moderators_mute_outlives_a_new_session(clinic: Clinic, cart: Cart) -> None:
    bob = await clinic.join("bob")
    await cart.post("whip")
    [found] = [s for s in await clinic.store.seats(ROOM) if s.device]
    await bob.ask(m.Mute, participant=found.participant, source="camera")
    await cart.post("whip")
    await clinic.until(lambda: len(clinic.plane.named("set_muted")) == 2)
    (_, who, source, muted) = clinic.plane.named("set_muted")[-1]
    assert who != found.participant
    assert (source, muted) == ("camera", True)


async def test_the_owners_page_does_not_take_the_devices_seat(clinic: Clinic, cart: Cart) -> None:
    await cart.post("whip")
    page = await clinic.join("cart", waits=False)
    [device] = [s for s in await clinic.store.seats(ROOM) if s.device]
    assert page.participant != device.participant
    assert (await cart.delete()).status == 200


# managing a session


async def test_an_expired_token_still_manages_its_session(clinic: Clinic) -> None:
    cart = Cart(clinic, clinic.token("cart", device=True, waits=False, ttl_s=0.3))
    made = await cart.post("whip")
    expires_at = clinic.desk.expires_at(cart.token)
    await clinic.until(lambda: clinic.clock() > expires_at)
    assert cart.code(await Cart(clinic, cart.token).post("whip")) == (401, "token_expired")
    patched = await cart.patch(fragment("abcd"), **{"If-Match": made.headers["ETag"]})
    assert patched.status == 204
    assert (await cart.delete()).status == 200


async def test_another_owners_token_manages_nothing(clinic: Clinic, cart: Cart) -> None:
    made = await cart.post("whip")
    charlie = Cart(clinic, clinic.token("charlie", rights=DOCTOR, device=True, waits=False))
    charlie.location = made.headers["Location"]
    assert charlie.code(await charlie.delete()) == (404, "no_session")
    charlie.token = ""
    assert charlie.code(await charlie.delete()) == (401, "token_missing")
    assert (await cart.delete()).status == 200


@pytest.mark.parametrize("path", ["x", "0" * 64, "../signal", "0" * 63 + "G"])
async def test_a_session_that_is_not_there_is_not_found(cart: Cart, path: str) -> None:
    assert (await cart.request("DELETE", f"/whip/{ROOM}/{path}")).status in (404, 405)


async def test_the_other_ways_door_does_not_know_the_session(clinic: Clinic, cart: Cart) -> None:
    made = await cart.post("whip")
    cart.location = made.headers["Location"].replace("/whip/", "/whep/")
    assert cart.code(await cart.delete()) == (404, "no_session")


async def test_candidates_are_taken_under_the_sessions_tag(cart: Cart) -> None:
    tag = (await cart.post("whip")).headers["ETag"]
    candidates = "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    assert (await cart.patch(candidates, **{"If-Match": tag})).status == 204
    assert (await cart.patch(fragment("abcd"), **{"If-Match": f'"x", {tag}'})).status == 204
    assert cart.code(await cart.patch(candidates)) == (428, "tag_missing")
    assert cart.code(await cart.patch(candidates, **{"If-Match": '"x"'})) == (412, "tag_mismatch")


@pytest.mark.parametrize(
    "text", ["", "nonsense", "a=mid:0\r\n", "a=ice-ufrag:abcd\r\n", "a=ice-ufrag:a\na=ice-pwd:b\n"]
)
async def test_a_fragment_that_says_nothing_is_refused(cart: Cart, text: str) -> None:
    tag = (await cart.post("whip")).headers["ETag"]
    assert cart.code(await cart.patch(text, **{"If-Match": tag})) == (400, "bad_fragment")


async def test_new_credentials_restart_ice_under_a_new_tag(clinic: Clinic, cart: Cart) -> None:
    made = await cart.post("whip")
    restarted = await cart.patch(fragment("wxyz"), **{"If-Match": "*"})
    assert (restarted.status, restarted.headers["Content-Type"]) == (200, FRAGMENT)
    assert restarted.headers["ETag"] != made.headers["ETag"]
    lines = restarted.body.splitlines()
    assert lines[:4] == [
        "a=ice-lite",
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
    ]
    assert "a=ice-ufrag:new-wxyz" in lines
    assert "a=candidate:1 1 udp 1 ::1 9 typ host" in lines
    old = await cart.patch(fragment("wxyz"), **{"If-Match": made.headers["ETag"]})
    assert cart.code(old) == (412, "tag_mismatch")
    await clinic.restart()
    new = await cart.patch(fragment("wxyz"), **{"If-Match": restarted.headers["ETag"]})
    assert new.status == 204, "the tag is on disk"


async def test_ice_cannot_be_restarted_where_the_connection_is_gone(
    clinic: Clinic, cart: Cart
) -> None:
    await cart.post("whip")
    clinic.plane.refusal = ports.Refused("unknown_peer", "")
    gone = await cart.patch(fragment("wxyz"), **{"If-Match": "*"})
    assert cart.code(gone) == (404, "no_session")
    clinic.plane.refusal = ports.Refused("media_unavailable", "")
    away = await cart.patch(fragment("wxyz"), **{"If-Match": "*"})
    assert cart.code(away) == (503, "media_unavailable")
    assert int(away.headers["Retry-After"]) > 0


# restarts


async def test_a_session_outlives_the_front_while_its_media_runs(
    clinic: Clinic, cart: Cart
) -> None:
    await cart.post("whip")
    await clinic.restart()
    assert not clinic.plane.named("close_peer")
    bob = await clinic.join("bob")
    [device, _] = (await bob.hear(m.Room)).participants
    assert (device.connected, device.media) == (True, True)
    assert (await cart.delete()).status == 200


async def test_a_session_dies_with_the_media_worker(clinic: Clinic, cart: Cart) -> None:
    await cart.post("whip")
    clinic.plane.tell(ports.PlaneLost((ROOM,)))
    await clinic.until(lambda: clinic.calls.counters["participants"] == 0)
    assert cart.code(await cart.delete()) == (404, "no_session")


async def test_who_waits_for_an_answer_when_the_front_stops_is_told(
    clinic: Clinic, cart: Cart
) -> None:
    clinic.plane.gate.clear()
    asking = cart.start_post("whip")
    await clinic.until(lambda: bool(clinic.plane.named("connect")))
    clinic.calls.devices.close()
    assert cart.code(await asking) == (503, "restarting")
    assert cart.code(await cart.post("whip")) == (503, "restarting")
    clinic.plane.gate.set()


async def test_whom_a_viewer_follows_must_be_an_id(cart: Cart) -> None:
    refused = await cart.post("whep", query="?participant=%2e%2e/x%20y")
    assert cart.code(refused) == (422, "bad_participant")
    assert (await cart.post("whep", query="?participant=p1234")).status == 201
