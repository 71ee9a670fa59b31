"""Codes of authenticator apps: TOTP (RFC 6238), SHA-1, 6 digits, 30 s, as all apps know it.

A code counts one step before and after its time, and never twice: the caller keeps the last step.
"""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
DIGITS = 6
SECRET_CHARS = 32  # base32: 160 bits (RFC 4226 4, R6)
DRIFT_STEPS = 1  # a clock may be half a minute wrong (RFC 6238 5.2)


def step_at(now: datetime) -> int:
    return int(now.timestamp()) // STEP_S


def accepted_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The step whose code this is, if it is later than the last one that was used."""
    typed = code.replace(" ", "").encode()
    present = step_at(now)
    found: int | None = None
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        right = pyotp.TOTP(secret).at(step * STEP_S).encode()
        if hmac.compare_digest(right, typed) and step > last_step:
            found = step
    return found


def uri(secret: str, login: str, clinic: str) -> str:
    """What the QR code says: otpauth://totp/Clinic:login?…"""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=clinic)


def is_code(text: str) -> bool:
    """Whether it has the form of a TOTP code."""
    bare = text.replace(" ", "")
    return len(bare) == DIGITS and bare.isascii() and bare.isdigit()
