"""Join links, short codes and confirmation codes: computed from a key, never stored.

A link's token is `<participant>.<mac>`, the mac over participant and generation: every reminder can
rebuild it, and the next generation revokes it. It travels in a URL's fragment or a body only.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid

import segno

from clinic_api.transaction import Keys

PATH = "/join#"
CODE_CHARS = 8
_ALPHABET = "234679ACDEFGHJKMNPQRTUVWXYZ"  # no look-alikes: 0O 1IL 5S 8B
_CONFIRM_DIGITS = 6
_OLDER = 20  # generations that are still recognised as withdrawn


def token_of(keys: Keys, participant_id: str, generation: int) -> str:
    """The secret of a join link, about 54 characters."""
    return f"{short_id(participant_id)}.{keys.token('join', participant_id, str(generation))}"


def short_id(row_id: str) -> str:
    """26 characters (RFC 4648 section 6) for a UUID."""
    return base64.b32encode(uuid.UUID(row_id).bytes).decode().rstrip("=").lower()


def id_in(token: str) -> str | None:
    """Whose a token says it is; not checked yet."""
    head = token.partition(".")[0]
    try:
        raw = base64.b32decode(head.upper() + "=" * (-len(head) % 8))
        return str(uuid.UUID(bytes=raw))
    except (binascii.Error, ValueError):
        return None


def generation_of(keys: Keys, token: str, participant_id: str, newest: int) -> int | None:
    """Which of the participant's links it is; None for a forged one."""
    for generation in range(newest, max(newest - _OLDER, 0), -1):
        if same(token, token_of(keys, participant_id, generation)):
            return generation
    return None


def code_of(keys: Keys, participant_id: str, generation: int) -> str:
    """To be read out by phone: 38 bits, limited in rate, valid as long as the link."""
    number = _number(keys.token("join-code", participant_id, str(generation)))
    return "".join(_ALPHABET[number // 27**place % 27] for place in range(CODE_CHARS))


def tidy_code(text: str) -> str:
    """As people type it: any case, with spaces or dashes."""
    return "".join(char for char in text.upper() if char in _ALPHABET)


def tidy_confirmation(text: str) -> str:
    """As people type it: with spaces or dashes anywhere."""
    return "".join(text.replace("-", "").split())


def confirmation_of(keys: Keys, participant_id: str, generation: int, takeovers: int) -> str:
    """The six digits that staff tell a person by phone; new after each use."""
    parts = participant_id, str(generation), str(takeovers)
    number = _number(keys.token("join-confirm", *parts))
    return f"{number % 10**_CONFIRM_DIGITS:0{_CONFIRM_DIGITS}d}"


def qr(url: str) -> str:
    """An SVG element (ISO/IEC 18004, level M) with a quiet zone of four modules."""
    return segno.make(url, error="m").svg_inline(border=4, omitsize=True)


def same(one: str, other: str) -> bool:
    """In constant time, whatever characters somebody sent."""
    return hmac.compare_digest(one.encode(), other.encode())


def _number(token: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
