"""Call control's commands as the media worker gets them, and its events on the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from sfu import api
from sfu.client import WorkerGone
from sfu.core.description import Candidate, Fingerprint
from signaling import ports
from signaling.core.rights import Rights
from telemed_media.adapters import SfuMediaPlane

INFO = api.WorkerInfo(
    candidates=(Candidate("127.0.0.1", 8443),),
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    secret=b"s" * 32,
)
OFFER = "\r\n".join(
    [
        "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
        *(
            line
            for mid, direction in (("0", "sendonly"), ("1", "recvonly"))
            for line in (
                "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", f"a=mid:{mid}",
                "a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdef0123456789abcdef",
                "a=fingerprint:sha-256 " + ":".join(["CD"] * 32), "a=setup:actpass",
                f"a={direction}", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2",
            )
        ),
        "",
    ]
)  # fmt: skip
MEDIA = ports.MediaOffer(OFFER, {"microphone": "0"}, (ports.SlotMids(audio="1"),))


class FakeWorker:
    """Answers every command with Done, except where told otherwise."""

    def __init__(self) -> None:
        self.info: api.WorkerInfo | None = INFO
        self.commands: list[api.AnyCommand] = []
        self.replies: dict[type, api.AnyReply] = {}
        self.told: list[api.AnyEvent | WorkerGone] = []

    async def call(self, command: api.AnyCommand) -> api.AnyReply:
        self.commands.append(command)
        return self.replies.get(type(command), api.Done())

    async def events(self) -> AsyncIterator[api.AnyEvent | WorkerGone]:
        for event in self.told:
            yield event


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def plane(worker: FakeWorker) -> SfuMediaPlane:
    return SfuMediaPlane(worker)


def connected(worker: FakeWorker) -> api.ConnectPeer:
    (command,) = [c for c in worker.commands if isinstance(c, api.ConnectPeer)]
    return command


@pytest.mark.parametrize(
    ("rights", "receives", "sends"),
    [
        (Rights(publish=True, subscribe=True), ["0"], ["1"]),
        (Rights(subscribe=True), [], ["1"]),
        (Rights(publish=True), ["0"], []),
    ],
)
async def test_what_the_rights_do_not_allow_has_no_transport(
    worker: FakeWorker,
    plane: SfuMediaPlane,
    rights: Rights,
    receives: list[str],
    sends: list[str],
) -> None:
    answer = await plane.connect("r", "alice", "subject", MEDIA, rights)
    sections = connected(worker).connection.sections
    assert answer.startswith("v=0")
    assert [section.mid for section in sections if section.receives] == receives
    assert [section.mid for section in sections if section.sends] == sends


async def test_in_a_visit_by_sound_only_the_microphone_has_a_transport(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    rights = Rights(publish=True, subscribe=True, only_sound=True)
    await plane.connect("r", "alice", "subject", MEDIA, rights)
    published = {s.role for s in connected(worker).connection.sections if s.receives}
    assert published <= {"microphone"}
    mids = {"camera": "0"}
    worker.commands.clear()
    pictures = msgspec.structs.replace(MEDIA, publish=mids)
    await plane.connect("r", "alice", "subject", pictures, rights)
    assert [s.role for s in connected(worker).connection.sections if s.receives] == []


@pytest.mark.parametrize(
    ("way", "rights", "follow"),
    [
        ("whip", Rights(publish=True), None),
        ("whep", Rights(subscribe=True), api.Follow("p-bob")),
    ],
)
async def test_a_devices_offer_is_laid_out_by_its_order(
    worker: FakeWorker,
    plane: SfuMediaPlane,
    way: ports.Way,
    rights: Rights,
    follow: api.Follow | None,
) -> None:
    offer = ports.DeviceOffer(OFFER, way, "p-bob")
    await plane.connect("r", "cart", "subject-cart", offer, rights)
    command = connected(worker)
    assert (command.owner, command.follow) == ("subject-cart", follow)
    flows = [(each.receives, each.sends) for each in command.connection.sections]
    assert flows == (
        [(True, False), (False, False)] if way == "whip" else [(False, False), (False, True)]
    )


@pytest.mark.parametrize(("way", "rights"), [("whip", Rights(subscribe=True)), ("whep", Rights())])
async def test_a_device_without_the_right_is_refused_here_too(
    worker: FakeWorker, plane: SfuMediaPlane, way: ports.Way, rights: Rights
) -> None:
    with pytest.raises(ports.Refused) as caught:
        await plane.connect("r", "cart", "subject", ports.DeviceOffer(OFFER, way), rights)
    assert caught.value.code == "not_allowed"
    assert not [c for c in worker.commands if isinstance(c, api.ConnectPeer)]


async def test_ice_is_restarted_with_credentials_of_this_restart(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    first = await plane.restart_ice("cart", "abcd", "p" * 24)
    second = await plane.restart_ice("cart", "wxyz", "p" * 24)
    assert first.ufrag != second.ufrag
    assert first.candidates == ("1 1 udp 2130706431 127.0.0.1 8443 typ host",)
    assert worker.commands == [
        api.RestartIce("cart", each.ufrag, each.password) for each in (first, second)
    ]


async def test_a_room_is_opened_once_and_again_in_a_new_worker(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    rights = Rights(publish=True, subscribe=True)
    await plane.open_room("r", 5)
    await plane.connect("r", "alice", "subject", MEDIA, rights)
    assert [c for c in worker.commands if isinstance(c, api.OpenRoom)] == [api.OpenRoom("r", 5)]
    worker.told = [WorkerGone()]
    assert [event async for event in plane.events()] == [ports.PlaneLost(("r",))]
    worker.commands.clear()
    await plane.connect("r", "alice", "subject", MEDIA, rights)
    assert worker.commands[0] == api.OpenRoom("r", 5)


async def test_a_worker_that_had_nothing_is_not_missed(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    await plane.open_room("r", 5)
    await plane.close_room("r")
    worker.told = [WorkerGone()]
    assert [event async for event in plane.events()] == []


async def test_a_bad_offer_is_refused_without_troubling_the_worker(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    with pytest.raises(ports.Refused) as caught:
        await plane.connect("r", "alice", "subject", ports.MediaOffer("rubbish", {}, ()), Rights())
    assert caught.value.code == "bad_sdp"
    assert not [c for c in worker.commands if isinstance(c, api.ConnectPeer)]


async def test_without_a_worker_an_offer_is_refused_for_now(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    worker.info = None
    with pytest.raises(ports.Refused) as caught:
        await plane.connect("r", "alice", "subject", MEDIA, Rights(publish=True, subscribe=True))
    assert caught.value.code == "media_unavailable"


async def test_the_workers_refusal_keeps_its_code(worker: FakeWorker, plane: SfuMediaPlane) -> None:
    worker.replies[api.ConnectPeer] = api.Refused("room_full", "The room is full.")
    with pytest.raises(ports.Refused) as caught:
        await plane.connect("r", "alice", "subject", MEDIA, Rights(publish=True, subscribe=True))
    assert caught.value.code == "room_full"


async def test_only_connected_peers_are_counted_after_a_restart(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    worker.replies[api.GetPeers] = api.Peers((("r", "alice", True), ("r", "bob", False)))
    assert await plane.peers() == {"alice": "r"}
    worker.told = [WorkerGone()]
    assert [event async for event in plane.events()] == [ports.PlaneLost(("r",))]


async def test_an_absent_worker_carries_nobody(worker: FakeWorker, plane: SfuMediaPlane) -> None:
    away = api.Refused("media_unavailable", "")
    worker.replies = {api.GetPeers: away, api.GetStats: away}
    assert await plane.peers() == {}
    assert await plane.stats() is None


async def test_every_event_of_the_worker_is_translated(
    worker: FakeWorker, plane: SfuMediaPlane
) -> None:
    worker.told = [
        api.PeerConnected("r", "alice"),
        api.TrackAdded("r", "alice", "camera", "VP8"),
        api.SlotAssigned("r", "alice", 0, "bob", 3, False, "H264"),
        api.SlotSwitched("r", "alice", 0, 3, 90_000),
        api.Speakers("r", ("bob",)),
        api.Quality("r", "alice", 0.1, 0.2, 40.0, False, "reduced", 9000, (), "turn", True),
        api.LayersWanted("r", "alice", "camera", ("q", "h")),
        api.PeerLost("r", "alice", "consent"),
    ]
    assert [event async for event in plane.events()] == [
        ports.PeerConnected("r", "alice"),
        ports.TrackAdded("r", "alice", "camera"),
        ports.SlotAssigned("r", "alice", 0, "bob", 3, False, "H264"),
        ports.SlotSwitched("r", "alice", 0, 3, 90_000),
        ports.Speakers("r", ("bob",)),
        ports.Quality("r", "alice", 0.1, 0.2, 40.0, False, "reduced", 9000, "turn", True),
        ports.LayersWanted("r", "alice", "camera", ("q", "h")),
        ports.PeerLost("r", "alice", "consent"),
    ]
