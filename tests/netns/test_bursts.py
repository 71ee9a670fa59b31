"""The test network loses single datagrams, also of those that were sent in one call."""

from __future__ import annotations

from sfu.shell.udp import open_socket, send_burst
from tests.netns.loss import dropped, udp_loss
from tests.netns.namespace import FIRST_ADDRESS


def test_datagrams_of_one_burst_pass_the_firewall_one_by_one() -> None:
    with (
        open_socket(FIRST_ADDRESS, 0) as sending,
        open_socket(FIRST_ADDRESS, 0) as receiving,
        udp_loss(receiving.getsockname()[1], up=0.999),
    ):
        assert send_burst(sending, receiving.getsockname(), [b"x" * 1000] * 10) == 10
        assert dropped()[0] >= 9
