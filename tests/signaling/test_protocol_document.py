"""PROTOCOL.md says what the code does, all of it and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import signaling
from signaling.core import messages as m
from signaling.core import refusals
from signaling.core.closing import Closing
from signaling.core.problems import PROBLEMS
from signaling.core.rights import Rights
from signaling.core.seat_states import TRANSITIONS, SeatState
from signaling.core.settings import CallSettings, Rate, RoomSettings

TEXT = (Path(signaling.__file__).parent / "PROTOCOL.md").read_text()
CLIENT: dict[str, type] = {kind.__struct_config__.tag: kind for kind in m.ClientMessage.__args__}
SERVER: dict[str, type] = {kind.__struct_config__.tag: kind for kind in m.ServerMessage.__args__}
VALUES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Rights,
        m.OfferSlot,
        m.ViewedSlot,
        m.Received,
        m.IceServer,
        m.Participant,
        m.WaitingPerson,
        m.SlotState,
        m.QualityOf,
        m.Finding,
    )
}


def chapter(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, title
    return found[1]


def parts(title: str) -> dict[str, str]:
    pieces = re.split(r"^### `(\w+)`$", chapter(title), flags=re.M)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells[2:] if not row[0].startswith("--")]


def fields(text: str) -> dict[str, str]:
    return {row[0].strip("`"): " ".join(row[1:]) for row in rows(text)}


def described() -> Iterator[tuple[str, str, type]]:
    for title, kinds in (("Client messages", CLIENT), ("Server messages", SERVER)):
        for name, text in parts(title).items():
            yield name, text, kinds[name]
    for name, text in parts("Values").items():
        yield name, text, VALUES[name]


def bounds(kind: msgspec.inspect.Type) -> Iterator[int]:
    """Every limit of a field's type, as a number that the text must have."""
    for name in ("max_length", "min_length", "le", "ge"):
        value = getattr(kind, name, None)
        if value is not None:
            yield value
    for name in ("item_type", "value_type"):
        inner = getattr(kind, name, None)
        if inner is not None:
            yield from bounds(inner)
    for inner in getattr(kind, "types", ()):
        yield from bounds(inner)


@pytest.mark.parametrize(
    ("title", "kinds"),
    [("Client messages", CLIENT), ("Server messages", SERVER), ("Values", VALUES)],
)
def test_every_message_is_described(title: str, kinds: dict[str, type]) -> None:
    assert list(parts(title)) == list(kinds)


@pytest.mark.parametrize(("name", "text", "kind"), list(described()))
def test_every_field_is_described(name: str, text: str, kind: type) -> None:
    assert list(fields(text)) == list(kind.__struct_fields__), name  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "text", "kind"), list(described()))
def test_every_limit_is_described(name: str, text: str, kind: type) -> None:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        missing = [one for one in bounds(field.type) if str(one) not in fields(text)[field.name]]
        assert not missing, f"{name}.{field.name}: {missing}"


def test_every_close_code_is_described() -> None:
    told = [
        (int(row[0]), row[1].strip("`"), row[2] == "yes") for row in rows(chapter("Close codes"))
    ]
    assert told == [(one.code, one.reason, one.final) for one in Closing]


def test_every_error_code_is_described() -> None:
    known = refusals.ROOM | refusals.GATE | refusals.MEDIA
    assert [row[0].strip("`") for row in rows(chapter("Error codes"))] == list(known)


def test_every_problem_of_the_device_doors_is_described() -> None:
    told = [row for row in rows(chapter("Devices: WHIP and WHEP")) if row[1].isdigit()]
    assert told == [[f"`{code}`", str(one.status), one.detail] for code, one in PROBLEMS.items()]


def test_every_seat_state_and_its_ways_are_described() -> None:
    told = {row[0].strip("`"): row[2] for row in rows(chapter("States of a seat"))}
    assert list(told) == [state.value for state in SeatState]
    for state in SeatState:
        ways = {after.value for (before, _), after in TRANSITIONS.items() if before is state}
        assert set(re.findall(r"`(\w+)`", told[state.value])) == ways


def test_the_limits_are_those_of_the_settings() -> None:
    call, room = CallSettings(), RoomSettings()
    told = [row[1] for row in rows(chapter("Limits"))]
    assert told == [
        f"{m.MAX_FRAME_BYTES} bytes",
        f"{call.hello_timeout_s:g} s",
        _rate(room.messages),
        _rate(room.chat),
        _rate(room.offers),
        _rate(room.experiences),
        f"{_rate(room.strikes)}; then the connection is closed",
        _rate(call.hellos),
        str(room.max_admitted),
        str(room.max_waiting),
        str(room.max_seats_each),
        f"{room.seat_held_s} s",
        f"{room.heartbeat_s * room.missed_heartbeats} s",
        f"{room.device_media_s} s",
    ]


def _rate(rate: Rate) -> str:
    return f"{rate.per_s:g} per second, {rate.burst} at once"
