"""The TLS context of the listening side, and its reload while it serves.

New handshakes use the new chain, running connections keep theirs. A changed pair is checked and
tried on a context of its own first, because OpenSSL forgets the old key when a chain and its new
key do not fit: half-copied files must not stop a server that was running well.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from certs.pair import CertificateError, Pair, read_pair


class FileMark(msgspec.Struct, frozen=True):
    """What tells one version of a file from another without reading it."""

    inode: int
    size_bytes: int
    modified_ns: int


def server_context(pair: Pair) -> ssl.SSLContext:
    """A context for HTTPS and WSS, TLS 1.2 or newer. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])  # WebSocket needs it (RFC 6455 4.1)
    _load(context, pair)
    return context


class CertificateReloader:
    """Owns the context's pair; puts changed files into the same context."""

    def __init__(self, context: ssl.SSLContext, pair: Pair) -> None:
        self._context = context
        self._marks = _marks(pair)
        self.pair = pair

    def reload_if_changed(self, now: float) -> bool:
        """True when a new pair serves now.

        Raises CertificateError, once per change of the files; then the old pair goes on serving.
        """
        marks = _marks(self.pair)
        if marks == self._marks:
            return False
        self._marks = marks
        fresh = read_pair(self.pair.certificate, self.pair.key, now)
        server_context(fresh)
        _load(self._context, fresh)
        self.pair = fresh
        return True


def _load(context: ssl.SSLContext, pair: Pair) -> None:
    try:
        context.load_cert_chain(pair.certificate, pair.key)
    except (ssl.SSLError, OSError) as error:
        raise CertificateError(f"TLS refuses the chain in {pair.certificate}: {error}.") from error


def _marks(pair: Pair) -> tuple[FileMark | None, FileMark | None]:
    return _mark(pair.certificate), _mark(pair.key)


def _mark(path: Path) -> FileMark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileMark(found.st_ino, found.st_size, found.st_mtime_ns)
