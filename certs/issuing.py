"""Making X.509 certificates (RFC 5280): the local authority's own and the server's.

All keys are ECDSA on P-256. A certificate starts a day early, for phones with a wrong clock.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = dt.timedelta(days=3650)
LEAF_LIFETIME = dt.timedelta(days=397)  # CA/Browser Forum baseline requirements 6.3.2
CLOCK_SKEW = dt.timedelta(days=1)


class Issued(msgspec.Struct, frozen=True):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        """The certificate alone, in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """The key in PEM, PKCS #8, without a password."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_authority(now: float) -> Issued:
    """A new authority, valid for ten years from Unix time `now`, that may sign servers only."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = _time(now)
    name = _name(f"Telemed Media local authority {start:%Y-%m-%d}")
    made = (
        _draft(name, name, key.public_key(), start)
        .not_valid_after(start + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Issued(made, key)


def issue_server(authority: Issued, names: Iterable[str], now: float) -> Issued:
    """A server certificate for DNS names and address literals, signed by `authority`."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = _time(now)
    end = min(start - CLOCK_SKEW + LEAF_LIFETIME, authority.certificate.not_valid_after_utc)
    made = (
        _draft(
            _name("Telemed Media server"), authority.certificate.subject, key.public_key(), start
        )
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_alternative_names(names), critical=False)
        .add_extension(_authority_key_identifier(authority), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(made, key)


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCK_SKEW)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(name) for name in sorted(names)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _authority_key_identifier(authority: Issued) -> x509.AuthorityKeyIdentifier:
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _time(at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(at), dt.UTC)
