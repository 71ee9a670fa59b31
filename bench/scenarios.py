"""The table of scenarios: what is offered, and what the Python engine promises."""

from __future__ import annotations

from typing import Literal

import msgspec

from bench.stretch import Shape

Kind = Literal["fixed", "saturated", "delay", "join", "memory", "clinic"]
CALL = Shape(("audio", "video"), publishers=2, subscribers=0, mutual=True)
CAMERA_PER_S = 240.0  # 2.2 Mbit/s, frames of 8 packets: a frame is forwarded as a whole
CALL_VIDEO_PER_S = 120.0  # with 50 of sound each of 40 people sends 170: 6.8 k/s


class Scenario(msgspec.Struct, frozen=True):
    """One row of the table; `limits` are those of its figures, in their order."""

    name: str
    title: str
    kind: Kind
    shape: Shape
    limits: tuple[float, ...]
    rooms: int = 1
    video_per_s: float = 120.0  # of each publisher, where the kind does not search
    on_postgres: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("fanout-10", "1 → 10, 120 packets/s in", "fixed", Shape(), (20,)),
        Scenario("fanout-10-max", "1 → 10, near saturation", "saturated", Shape(), (10,)),
        Scenario(
            "fanout-30-max",
            "1 → 30, near saturation",
            "saturated",
            Shape(subscribers=30),
            (10,),
        ),
        Scenario(
            "fanout-1-max", "1 → 1, near saturation", "saturated", Shape(subscribers=1), (20,)
        ),
        Scenario(
            "calls-20",
            "20 calls 1:1, audio and video, 6.8 k packets/s in",
            "fixed",
            CALL,
            (40,),
            rooms=20,
            video_per_s=CALL_VIDEO_PER_S,
        ),
        Scenario(
            "join", "join, hello → first media", "join", Shape(("audio", "video"), 1, 1), (60,)
        ),
        Scenario("memory", "memory per peer connection", "memory", CALL, (400, 400), rooms=15),
        Scenario(
            "delay",
            "1 → 10, forwarding delay at half a core",
            "delay",
            Shape(),
            (1, 10),
            video_per_s=CAMERA_PER_S,
        ),
        Scenario("clinic", "the clinic beside a call, SQLite", "clinic", CALL, (50, 1.5)),
        Scenario(
            "clinic-postgres",
            "the clinic beside a call, PostgreSQL",
            "clinic",
            CALL,
            (0, 1.5),
            on_postgres=True,
        ),
    )
}
