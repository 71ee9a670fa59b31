"""Which certificate the server uses: the one of the settings, else one of the local authority."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from certs.addresses import own_names, reachable, read_interfaces
from certs.local_ca import ensure_local_pair
from certs.pair import Pair, read_pair
from telemed_media.config import Settings
from telemed_media.reach import Reach


def first_pair(
    settings: Settings, folder: Path, extra: tuple[str, ...], now: float
) -> tuple[Pair, bool]:
    """The pair to serve with, and whether it is of the local authority. Raises CertificateError."""
    if settings.tls_cert and settings.tls_key:
        return read_pair(settings.tls_cert.resolve(), settings.tls_key.resolve(), now), False
    return renewed_local_pair(folder, extra, now), True


def renewed_local_pair(folder: Path, extra: tuple[str, ...], now: float) -> Pair:
    """A local pair for the machine's names and addresses of now and the `extra` ones."""
    names = (*own_names(), *reachable(read_interfaces()), *extra)
    return ensure_local_pair(folder, names, now)


def named_by_settings(settings: Settings, reach: Reach) -> tuple[str, ...]:
    """The names and addresses that people use and the machine itself does not know of."""
    public = urlsplit(settings.public_url).hostname
    return (*reach.candidates, *reach.udp, *((public,) if public else ()))
