"""Which passwords are good enough, by NIST SP 800-63B-4 3.1.1: length, no list of signs.

Counted in code points after NFKC; the whole password is compared with the blocklist and with what
everybody knows of the account. The reason is told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from clinic_api.auth.blocklist import COMMON
from clinic_api.errors import Refused

ALONE_CHARS = 15  # where the password is the only factor
WITH_FACTOR_CHARS = 8
MAX_CHARS = 256
SHORTEST_PERIOD = 4  # "abcabcabcabc" is as good as "abc"


def normal(password: str) -> str:
    """As it is hashed: the same sign typed on two keyboards is one."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *, with_factor: bool, known: Iterable[str] = ()) -> None:
    """`known`: names of the clinic and the person. Raises Refused(invalid) with the reason."""
    text = normal(password)
    shortest = WITH_FACTOR_CHARS if with_factor else ALONE_CHARS
    reason = ""
    if len(text) < shortest:
        reason = f"Please use at least {shortest} characters; a short sentence is easy to keep."
    elif len(text) > MAX_CHARS:
        reason = f"Please use at most {MAX_CHARS} characters."
    elif is_common(text):
        reason = "Many people use this password. Please choose another one."
    elif _is_known(text, known):
        reason = "This is too close to your name or the clinic's. Please choose another one."
    if reason:
        raise Refused("invalid", fields={"password": reason})


def is_common(text: str) -> bool:
    """On the blocklist, or one short piece repeated, or a run such as 12345678."""
    folded = text.casefold()
    return folded in COMMON or _repeats(folded) or _runs(folded)


def _repeats(text: str) -> bool:
    return any(
        text == (text[:period] * len(text))[: len(text)] for period in range(1, SHORTEST_PERIOD + 1)
    )


def _runs(text: str) -> bool:
    steps = {ord(right) - ord(left) for left, right in pairwise(text)}
    return steps in ({1}, {-1})


def _is_known(text: str, known: Iterable[str]) -> bool:
    bare = _letters(text)
    words = {_letters(word) for word in known} - {""}
    words |= {_letters(word.partition("@")[0]) for word in known} - {""}
    return any(bare == word or bare == word * 2 for word in words) or text.casefold() in {
        word.casefold() for word in known
    }


def _letters(text: str) -> str:
    """Without digits and signs at the ends, where people add them."""
    return "".join(char for char in text.casefold() if char.isalpha())
