"""The recorded offers, and how these tests answer them.

`answered` gives the same answer as the golden file of the same name. `Answer` reads an answer's
lines by itself, without the parser under test.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from sfu.core.description import SourceRole
from sfu.core.sdp.answer import Answered, Layout, SlotMids, answer, default_layout
from sfu.core.sdp.model import Media, Offer, SdpError
from sfu.core.sdp.parse import parse_offer
from tests.sfu.core.sdp.local import local_for

DATA = Path(__file__).parents[3] / "data"
# A folder of third-party offers beside the checkout, which are not ours to copy.
THIRD_PARTY = Path(__file__).parents[5] / "shared" / "data" / "offers" / "public"
NAMES = sorted(path.stem for path in (DATA / "offers").glob("*.sdp"))
REFUSED = {name: "no_media" for name in NAMES if name.endswith("datachannel-only")}
ANSWERED = [name for name in NAMES if name not in REFUSED]

CALL_PUBLISH: dict[str, SourceRole] = {"0": "microphone", "1": "camera", "2": "screen"}
CALL_SLOTS = (
    SlotMids(video="4", audio="3"),
    SlotMids(video="6", audio="5"),
    SlotMids(video="8", audio="7"),
    SlotMids(video="9", screen=True),
)


class Answer(msgspec.Struct, frozen=True):
    """The lines of an answer: those of the session, then those of each m-section."""

    session: list[str]
    sections: list[list[str]]

    @property
    def live(self) -> list[list[str]]:
        """Return the m-sections that are not refused."""
        return [lines for lines in self.sections if lines[0].split()[1] != "0"]


@cache
def text_of(name: str) -> str:
    return (DATA / "offers" / f"{name}.sdp").read_bytes().decode()


@cache
def offer(name: str) -> Offer:
    return parse_offer(text_of(name))


@cache
def answered(name: str) -> Answered:
    return answered_text(text_of(name), is_call="-slots-3send-7recv-" in name)


def answered_text(text: str, is_call: bool = False) -> Answered:
    parsed = parse_offer(text)
    layout = Layout(CALL_PUBLISH, CALL_SLOTS) if is_call else default_layout(parsed)
    return answer(parsed, layout, local_for(parsed))


def refusal(text: str) -> str:
    """Return the code with which a text is refused, "" where it is answered."""
    try:
        answered_text(text)
    except SdpError as error:
        return error.code
    return ""


@cache
def read(name: str) -> Answer:
    return read_text(answered(name).sdp)


def read_text(sdp: str) -> Answer:
    blocks: list[list[str]] = [[]]
    for line in sdp.removesuffix("\r\n").split("\r\n"):
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    return Answer(blocks[0], blocks[1:])


def values(lines: list[str], name: str) -> list[str]:
    """Return the values of an attribute, "" for a flag."""
    found = [line[2:].partition(":") for line in lines if line.startswith("a=")]
    return [value for key, _, value in found if key == name]


def media(name: str, mid: str) -> Media:
    """Return the m-line of a recorded offer."""
    return next(each for each in offer(name).media if each.mid == mid)


def section(name: str, mid: str) -> list[str]:
    """Return the lines of an answer's m-section."""
    return next(lines for lines in read(name).sections if values(lines, "mid") == [mid])
