"""A certificate authority of this installation's own, so that the first run needs nobody's help.

The authority is made once and kept: whoever trusts `ca.pem` on a phone or in a browser keeps
trusting this server. The server's certificate is issued anew when the machine's names or addresses
have changed, 30 days before its end, or when its files are damaged. Of each pair the key is written
first: a crash in between leaves a pair that does not match, and the next start issues a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from certs.files import PRIVATE, PUBLIC, write_atomically
from certs.issuing import Issued, issue_server, make_authority
from certs.pair import CertificateError, Pair, matches, read_certificates, read_key, read_pair

RENEW_BEFORE_S = 30 * 24 * 3600.0
ALWAYS = ("localhost", "127.0.0.1", "::1")


def ensure_local_pair(folder: Path, names: Iterable[str], now: float) -> Pair:
    """A valid server certificate in `folder` for `names` (DNS names and addresses).

    Makes `ca.pem ca.key cert.pem key.pem` as far as they are missing or outlived at `now`. Raises
    CertificateError when the authority's files cannot be used, OSError when nothing can be written.
    """
    wanted = frozenset(name.lower() for name in (*ALWAYS, *names))
    authority = _ensure_authority(folder, now)
    current = _current_pair(folder, authority, now)
    if current and current.names == wanted and current.not_after_at - now >= RENEW_BEFORE_S:
        return current
    leaf = issue_server(authority, wanted, now)
    write_atomically(folder / "key.pem", leaf.key_pem(), PRIVATE)
    chain = leaf.certificate_pem() + authority.certificate_pem()
    write_atomically(folder / "cert.pem", chain, PUBLIC)
    return read_pair(folder / "cert.pem", folder / "key.pem", now)


def _ensure_authority(folder: Path, now: float) -> Issued:
    if (folder / "ca.pem").exists():
        authority = _read_authority(folder)
        if authority.certificate.not_valid_after_utc.timestamp() - now >= RENEW_BEFORE_S:
            return authority
    authority = make_authority(now)
    write_atomically(folder / "ca.key", authority.key_pem(), PRIVATE)
    write_atomically(folder / "ca.pem", authority.certificate_pem(), PUBLIC)
    return authority


def _read_authority(folder: Path) -> Issued:
    certificate, key = read_certificates(folder / "ca.pem")[0], read_key(folder / "ca.key")
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not matches(certificate, key):
        raise CertificateError(
            f"{folder / 'ca.key'} is not the key of the local authority in {folder / 'ca.pem'}. "
            "Restore it from a backup, or remove both files to have a new authority made."
        )
    return Issued(certificate, key)


def _current_pair(folder: Path, authority: Issued, now: float) -> Pair | None:
    """The pair on disk when it can go on serving, None when a new one is due."""
    try:
        pair = read_pair(folder / "cert.pem", folder / "key.pem", now)
        leaf = read_certificates(folder / "cert.pem")[0]
        leaf.verify_directly_issued_by(authority.certificate)
    except (CertificateError, InvalidSignature, ValueError, TypeError):
        return None
    return pair
