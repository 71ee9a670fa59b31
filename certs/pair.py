"""A certificate chain with its private key, read from PEM files and checked before it is used.

Whatever is wrong is told in words that name the file, because the person who reads them has just
copied these files from somewhere. The server's own certificate comes first in its file (RFC 8446
4.4.2), the intermediate ones follow.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

WARN_BELOW_S = 21 * 24 * 3600.0


class CertificateError(Exception):
    """A certificate or key that cannot be used; the message is for the person who set it up."""


class Pair(msgspec.Struct, frozen=True):
    """The files of a checked pair and what the certificate says."""

    certificate: Path
    key: Path
    names: frozenset[str]  # DNS names in lower case and address literals
    not_before_at: float  # Unix seconds
    not_after_at: float  # Unix seconds


def read_pair(certificate: Path, key: Path, now: float) -> Pair:
    """Read and check both files at Unix time `now`. Raises CertificateError in words."""
    leaf = read_certificates(certificate)[0]
    private = read_key(key)
    if not matches(leaf, private):
        raise CertificateError(
            f"The key in {key} does not belong to the certificate in {certificate}."
        )
    pair = Pair(
        certificate=certificate,
        key=key,
        names=names_of(leaf),
        not_before_at=leaf.not_valid_before_utc.timestamp(),
        not_after_at=leaf.not_valid_after_utc.timestamp(),
    )
    _check_time(pair, now)
    return pair


def seconds_left(pair: Pair, now: float) -> float:
    """Seconds until the certificate expires; negative once it has."""
    return pair.not_after_at - now


def expires_soon(pair: Pair, now: float) -> bool:
    """True from 21 days before the end on, when somebody should be told."""
    return seconds_left(pair, now) < WARN_BELOW_S


def read_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, at least one. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificates(_read(path, "certificate"))
    except ValueError as error:
        raise CertificateError(f"{path} holds no certificate in PEM format.") from error


def read_key(path: Path) -> PrivateKeyTypes:
    """The private key of a PEM file. Raises CertificateError, also when it needs a password."""
    content = _read(path, "key")
    try:
        return load_pem_private_key(content, password=None)
    except TypeError as error:
        raise CertificateError(
            f"The key in {path} is protected by a password; store it without."
        ) from error
    except ValueError as error:
        raise CertificateError(f"{path} holds no private key in PEM format.") from error


def names_of(leaf: x509.Certificate) -> frozenset[str]:
    """The DNS names and addresses that a certificate is good for (RFC 9525: only the SAN)."""
    try:
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    dns = (name.lower() for name in san.get_values_for_type(x509.DNSName))
    addresses = (str(address) for address in san.get_values_for_type(x509.IPAddress))
    return frozenset([*dns, *addresses])


def matches(leaf: x509.Certificate, private: PrivateKeyTypes) -> bool:
    """True when the private key is the one of the certificate."""
    return _der(leaf.public_key()) == _der(private.public_key())


def _der(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CertificateError(f"The {what} file {path} does not exist.") from error
    except OSError as error:
        raise CertificateError(
            f"The {what} file {path} cannot be read: {error.strerror}."
        ) from error


def _check_time(pair: Pair, now: float) -> None:
    if now >= pair.not_after_at:
        raise CertificateError(
            f"The certificate in {pair.certificate} expired on {_day(pair.not_after_at)}."
        )
    if now < pair.not_before_at:
        raise CertificateError(
            f"The certificate in {pair.certificate} is valid only from "
            f"{_day(pair.not_before_at)} on; is the clock right?"
        )


def _day(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()
