"""Loaded by Python itself where this folder is in PYTHONPATH: a room for BENCH_ROOM_SIZE people.

The product admits 16 people to a room; one publisher to thirty needs more. Nothing else differs
from the product.
"""

from __future__ import annotations

import functools
import os
from typing import Any

from signaling.core import settings

_SIZE = int(os.environ["BENCH_ROOM_SIZE"])
_module: Any = settings
_module.RoomSettings = functools.partial(settings.RoomSettings, max_admitted=_SIZE)
