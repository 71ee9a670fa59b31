"""Codes of authenticator apps and recovery codes."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.auth import recovery_codes, totp
from clinic_api.auth.flows import qr_svg

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("unix_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238_are_accepted(unix_s: int, code: str) -> None:
    now = datetime.fromtimestamp(unix_s, UTC)
    assert totp.accepted_step(RFC_SECRET, code, now, last_step=0) == unix_s // 30


def test_a_code_counts_one_step_around_its_time_and_no_more() -> None:
    at = datetime.fromtimestamp(1111111109, UTC)
    for late_s, counts in [(-60, False), (-30, True), (0, True), (30, True), (60, False)]:
        step = totp.accepted_step(RFC_SECRET, "081804", at + timedelta(seconds=late_s), 0)
        assert (step == 1111111109 // 30) == counts, late_s


def test_a_code_counts_once() -> None:
    at = datetime.fromtimestamp(59, UTC)
    assert totp.accepted_step(RFC_SECRET, "287 082", at, last_step=0) == 1
    assert totp.accepted_step(RFC_SECRET, "287082", at, last_step=1) is None


@pytest.mark.parametrize("typed", ["", "28708", "2870821", "٢٨٧٠٨٢", "abcdef", "287082\x00"])
def test_what_is_no_code_is_never_accepted(typed: str) -> None:
    assert totp.accepted_step(RFC_SECRET, typed, datetime.fromtimestamp(59, UTC), 0) is None


def test_the_address_for_apps_names_clinic_and_login() -> None:
    uri = totp.uri(RFC_SECRET, "bob@clinic.example", "Harbour Clinic")
    assert uri.startswith("otpauth://totp/Harbour%20Clinic:bob%40clinic.example?secret=")


@given(st.binary(min_size=10, max_size=10))
def test_a_recovery_code_is_read_back_however_it_is_typed(chance: bytes) -> None:
    spelled = recovery_codes.spelled(chance)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", spelled)
    typed = spelled.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert recovery_codes.normal(typed) == spelled.replace("-", "")


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_two_chances_are_two_codes(one: bytes, other: bytes) -> None:
    assert (recovery_codes.spelled(one) == recovery_codes.spelled(other)) == (one == other)


def test_the_picture_is_whole_at_any_size() -> None:
    drawn = qr_svg("otpauth://totp/Clinic:bob?secret=ABC&issuer=Clinic")
    assert "viewBox=" in drawn
    assert " width=" not in drawn.partition(">")[0]
