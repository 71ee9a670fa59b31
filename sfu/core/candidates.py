"""Which candidates may stand in an answer: a browser that meets another kind takes none at all.

Chromium refuses every port below 1024 except 80 and 443, and these two at private addresses
(libwebrtc, pc/jsep_transport_controller.cc, VerifyCandidate); one refused candidate spoils the
whole list, UDP with it. measured: Chromium 156 makes no candidate pair with 10.98.0.1:443.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from sfu.core.description import Candidate

PRIVILEGED_PORTS = range(1024)
PORTS_OF_PUBLIC_ADDRESSES = (80, 443)
# libwebrtc, rtc_base/ip_address.cc, IPIsPrivate
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10", "fc00::/7"),
    )
)


def taken_by_browsers(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those of the candidates, in their order, that no browser refuses."""
    return tuple(one for one in candidates if _is_taken(one))


def _is_taken(candidate: Candidate) -> bool:
    if candidate.port not in PRIVILEGED_PORTS:
        return True
    address = ipaddress.ip_address(candidate.address)
    return candidate.port in PORTS_OF_PUBLIC_ADDRESSES and not any(
        address in network for network in _PRIVATE
    )
