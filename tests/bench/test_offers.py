"""The generator's offer is one that the server takes, and it reads the server's answer."""

from __future__ import annotations

import pytest

from bench.offers import Line, read_answer, write_offer
from sfu.api import WorkerInfo
from sfu.core.description import Candidate, Fingerprint, SourceRole
from sfu.core.sdp.layout import SlotMids
from sfu.negotiation import negotiate

OWN = Fingerprint("sha-256", ":".join(["AB"] * 32))
LINES = (
    Line("sa", "audio", (11,)),
    Line("sv", "video", (12, 13)),
    Line("ra", "audio"),
    Line("rv", "video"),
)


def test_what_is_offered_is_negotiated() -> None:
    theirs = Fingerprint("sha-256", ":".join(["CD"] * 32))
    info = WorkerInfo((Candidate("127.0.0.1", 9),), theirs, b"s" * 32)
    offer = write_offer(LINES, "ufrag123", "p" * 24, OWN)
    publish: dict[SourceRole, str] = {"microphone": "sa", "camera": "sv"}
    sdp, connection = negotiate("bench", offer, publish, [SlotMids("rv", "ra")], info)
    answer = read_answer(sdp)
    sections = {section.mid: section for section in connection.sections}
    assert answer.ssrcs == {"ra": sections["ra"].ssrc, "rv": sections["rv"].ssrc}
    assert (answer.ufrag, answer.password) == (connection.local_ufrag, connection.local_password)
    assert answer.address == ("127.0.0.1", 9)
    assert answer.fingerprint == theirs
    assert sections["sv"].ssrcs == (12,)
    assert sections["sv"].rtx_ssrcs == ((12, 13),)
    video, audio = sections["sv"].extensions, sections["sa"].extensions
    assert (video.mid, video.transport_cc, audio.audio_level) == (1, 3, 2)


def test_an_answer_without_a_candidate_is_an_error() -> None:
    with pytest.raises(LookupError):
        read_answer("v=0\r\n")
