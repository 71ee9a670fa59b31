"""A call over 150 kbit/s: sound that never waits, and a small picture as far as there is room."""

from __future__ import annotations

from statistics import fmean, quantiles

import pytest

from tests.sim.flow import Flow, Traffic
from tests.sim.network import Conditions

LINK_BPS = 150_000.0
MOST_PROBES = 9  # in 35 s: of 1,500 bytes each, 2 % of what the link carries
AUDIO_S, AUDIO_BYTES = 0.02, 200  # Opus with RED: 80 kbit/s
FRAME_S = 1 / 30
LAYERS = ((0.4, (0,)), (0.6, (0, 2)), (1.0, (0, 1, 2, 3)))  # part of the rate, of four frames
SHARES = (1.6, 0.8, 0.8, 0.8)  # of four frames' bytes


class Call(Flow):
    """Opus with RED and one layer of 180 lines, of which as many frames go as the estimate allows;
    the rule of the forwarder: no frame where not even every fourth has room.
    """

    def __init__(self, seed: int, queue_s: float, video_bps: float) -> None:
        self.video_bps = video_bps
        self._frame = 0
        down = Conditions(rate_bps=LINK_BPS, queue_s=queue_s, delay_s=0.06)
        wanted = AUDIO_BYTES * 8 / AUDIO_S + video_bps
        super().__init__(
            seed,
            [(0.0, down)],
            [(0.0, Conditions(delay_s=0.06))],
            Traffic(wanted_bps=wanted),
        )
        self._at(0.0, self._speak)

    def _speak(self) -> None:
        self._send(AUDIO_BYTES, self._cluster())
        self._at(self.now + AUDIO_S, self._speak)

    def _send_next(self) -> None:
        room = self.estimator.bitrate_bps - AUDIO_BYTES * 8 / AUDIO_S
        fitting = [frames for part, frames in LAYERS if part * self.video_bps <= room]
        number = self._frame % 4
        if fitting and number in fitting[-1]:
            self._send(round(self.video_bps / 8 * FRAME_S * SHARES[number]), self._cluster())
        self._frame += 1
        self._at(self.now + FRAME_S, self._send_next)


@pytest.mark.parametrize("queue_s", [0.3, 0.5])
@pytest.mark.parametrize("video_bps", [100_000.0, 120_000.0])
def test_the_estimate_of_a_narrow_link_is_found_and_stays(queue_s: float, video_bps: float) -> None:
    for seed in range(3):
        call = Call(seed, queue_s, video_bps)
        call.run(35.0)
        assert fmean(call.estimates(5, 7)) >= 0.75 * LINK_BPS
        assert quantiles(call.estimates(5, 35), n=10)[0] >= 0.65 * LINK_BPS
        assert call.probes <= MOST_PROBES, "what is known is not asked again and again"
