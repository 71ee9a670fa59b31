"""What a participant may do in a call. Deny by default."""

from __future__ import annotations

import msgspec


class Rights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    publish: bool = False
    subscribe: bool = False
    moderate: bool = False
    chat: bool = False
    only_sound: bool = False  # of what is published: neither camera nor screen
