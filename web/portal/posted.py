"""A form that is only a button."""

from __future__ import annotations

import msgspec


class Posted(msgspec.Struct, frozen=True):
    """The token of the session whose page it was on."""

    csrf: str = ""
