"""Which downlinks are narrow: a queue on the path has told how little it carries.

Loss alone does not make one: a radio link that loses every fifth packet has room for a second copy
of sound, a narrow one loses them because of it.
"""

from __future__ import annotations

from sfu.core.forwarder.model import Subscriber

# Two copies of sound, the smallest picture and the headers of both.
NARROW_BPS = 220_000.0


def is_narrow(subscriber: Subscriber) -> bool:
    """Whether what is sent twice takes the picture's room."""
    estimator = subscriber.estimator
    queued_bps = estimator.queued_bps
    return queued_bps is not None and max(queued_bps, estimator.bitrate_bps) < NARROW_BPS
