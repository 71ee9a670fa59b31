"""Which passwords are good enough (NIST SP 800-63B-4 3.1.1)."""

from __future__ import annotations

import pytest

from clinic_api.auth import passwords
from clinic_api.auth.blocklist import COMMON
from clinic_api.errors import Refused


def reason(password: str, *, with_factor: bool = True, known: tuple[str, ...] = ()) -> str:
    """Why it is refused; "" if it is not."""
    try:
        passwords.check(password, with_factor=with_factor, known=known)
    except Refused as refused:
        assert refused.code == "invalid"
        return refused.fields["password"]
    return ""


@pytest.mark.parametrize(
    ("password", "with_factor", "word"),
    [
        ("only seven"[:7], True, "at least 8"),
        ("kestrels", True, ""),
        ("kestrels fly", False, "at least 15"),
        ("kestrels fly at noon", False, ""),
        ("x" * 3 + "kestrel" * 36 + "y", True, ""),  # 256
        ("x" * 4 + "kestrel" * 36 + "y", True, "at most 256"),
        ("Password1", True, "Many people"),
        ("THE QUICK BROWN FOX", False, "Many people"),
        ("abcabcabcabcabc", False, "Many people"),
        ("aaaaaaaaaaaaaaaaa", False, "Many people"),
        ("23456789", True, "Many people"),
        ("hgfedcba", True, "Many people"),
        ("harbourclinic1", True, "too close"),
        ("Harbour Clinic 2026!", False, "too close"),
        ("bob.bobson", True, "too close"),
        ("bobsonbobson99", True, "too close"),
        ("bob.bobson@clinic.example", True, "too close"),
        ("пароль для моря", False, ""),
    ],
)
def test_a_password_is_refused_with_its_reason(password: str, with_factor: bool, word: str) -> None:
    known = ("Harbour Clinic", "bob.bobson@clinic.example", "Bobson")
    told = reason(password, with_factor=with_factor, known=known)
    assert word in told
    assert bool(word) == bool(told)


def test_code_points_are_counted_after_normalisation() -> None:
    decomposed = "e\u0301" * 5 + "kés"  # 8 signs of 13 code points, 8 after NFKC
    assert reason(decomposed) == ""
    assert "at least 8" in reason("e\u0301" * 4 + "kés")


def test_the_same_sign_typed_in_two_ways_is_one_password() -> None:
    assert passwords.normal("cafe\u0301 ﬁ") == passwords.normal("café fi")


def test_every_word_of_the_blocklist_is_long_enough_to_matter() -> None:
    assert all(len(word) >= passwords.WITH_FACTOR_CHARS for word in COMMON)
    assert all(word == word.casefold() for word in COMMON)
