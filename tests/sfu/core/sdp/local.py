"""The server's side in these tests: fixed values, so that answers can be compared byte for byte."""

from __future__ import annotations

from sfu.core.description import Candidate, Fingerprint
from sfu.core.sdp.answer import Local, sending_mids
from sfu.core.sdp.model import Offer

FIRST_SSRC = 4_000_000_001
FINGERPRINT = Fingerprint("sha-256", ":".join(["AB"] * 32))
CANDIDATES = (Candidate("192.0.2.1", 8443), Candidate("2001:db8::1", 8443))


def local_for(offer: Offer) -> Local:
    """Return fixed local values with an ssrc pair for each m-line that may send."""
    mids = sending_mids(offer)
    return Local(
        ufrag="serverufrag",
        password="serverpasswordof24chars0",
        fingerprint=FINGERPRINT,
        candidates=CANDIDATES,
        session_id=4_611_686_018_427_387_903,
        version=7,
        ssrcs={mid: (FIRST_SSRC + 2 * n, FIRST_SSRC + 2 * n + 1) for n, mid in enumerate(mids)},
        cname="server",
    )
