"""Answer an offer: the text for the client and the typed connection for the media worker.

The client always offers, the server always answers. `negotiate` decides per m-line, `sections`
writes the m-sections, this module adds what belongs to the whole connection: ICE, fingerprints and
the DTLS role of the one transport, and the session's lines (`SESSION_RULES`). The same offer,
layout and local values always give the same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from sfu.core.description import Connection, DtlsRole
from sfu.core.sdp.layout import Layout, SlotMids, check_layout, default_layout
from sfu.core.sdp.model import Media, Offer, SdpError
from sfu.core.sdp.negotiate import Agreed, agree, bundled
from sfu.core.sdp.sections import Lines, Local, Whole, write_section

__all__ = [
    "Answered",
    "Layout",
    "Local",
    "SlotMids",
    "answer",
    "default_layout",
    "sending_mids",
]

# The offered setup → ours (RFC 8842 section 5.3); a client that says nothing is taken as active.
ROLES: dict[str, DtlsRole] = {
    "actpass": "server",
    "active": "server",
    "": "server",
    "passive": "client",
}
SETUPS: dict[DtlsRole, str] = {"server": "passive", "client": "active"}


class Answered(msgspec.Struct, frozen=True):
    """An answer, as text and as values."""

    sdp: str
    connection: Connection


def sending_mids(offer: Offer) -> tuple[str, ...]:
    """Return the mids that may need ssrcs of ours: those where the client can receive."""
    return tuple(media.mid for media in bundled(offer) if media.client_receives)


def answer(offer: Offer, layout: Layout, local: Local) -> Answered:
    """Answer an offer (RFC 8829 section 5.3.1). Raises SdpError."""
    check_layout(offer, layout)
    agreements = agree(offer, layout, local.ssrcs)
    agreed = tuple(each for each in agreements if isinstance(each, Agreed))
    _check_ssrcs(agreed)
    connection = _connection(agreed, local)
    whole = Whole(agreed, local, SETUPS[connection.dtls_role])
    lines = [line for rule in SESSION_RULES for line in rule(whole)]
    lines += [line for each in agreements for line in write_section(each, whole)]
    return Answered("".join(f"{line}\r\n" for line in lines), connection)


def _connection(agreed: tuple[Agreed, ...], local: Local) -> Connection:
    """Return the worker's values; the transport is that of the first m-line (RFC 8843)."""
    first = agreed[0].media
    _check_transport(first)
    return Connection(
        local_ufrag=local.ufrag,
        local_password=local.password,
        remote_ufrag=first.ufrag,
        remote_password=first.password,
        dtls_role=ROLES[first.setup],
        fingerprints=first.fingerprints,
        sections=tuple(each.section for each in agreed),
    )


def _check_transport(media: Media) -> None:
    if not media.ufrag or not media.password:
        raise SdpError("no_ice", "The offer has no ICE user fragment or no password.")
    if not media.fingerprints:
        raise SdpError(
            "no_fingerprint", "The offer has no certificate fingerprint that is trusted."
        )
    if media.setup not in ROLES:
        raise SdpError("bad_setup", "The offer puts the connection on hold.")


def _check_ssrcs(agreed: tuple[Agreed, ...]) -> None:
    ours = Counter(ssrc for each in agreed for ssrc in (each.section.ssrc, each.section.rtx_ssrc))
    if any(count > 1 for ssrc, count in ours.items() if ssrc):
        raise SdpError("ssrc_clash", "The same ssrc of ours stands twice.")


def _version(_whole: Whole) -> Lines:
    return ["v=0"]


def _origin(whole: Whole) -> Lines:
    """One id and a rising version over all answers of a connection; Firefox wants 63 bits."""
    return [f"o=- {whole.local.session_id} {whole.local.version} IN IP4 0.0.0.0"]


def _name_and_time(_whole: Whole) -> Lines:
    """Chromium refuses an answer without s=, both browsers one without t=."""
    return ["s=-", "t=0 0"]


def _bundle(whole: Whole) -> Lines:
    """The taken mids only, so that the first is the tag; no group where none was offered."""
    mids = [each.media.mid for each in whole.agreed if each.media.in_bundle]
    return [f"a=group:BUNDLE {' '.join(mids)}"] if mids else []


def _ice_lite(_whole: Whole) -> Lines:
    return ["a=ice-lite"]


def _allow_mixed(whole: Whole) -> Lines:
    """Only where all taken m-lines offer it; without it no dependency descriptor comes."""
    mixed = all(each.media.allow_mixed for each in whole.agreed)
    return ["a=extmap-allow-mixed"] if mixed else []


def _stream_semantics(_whole: Whole) -> Lines:
    return ["a=msid-semantic: WMS *"]


SESSION_RULES: tuple[Callable[[Whole], Lines], ...] = (
    _version,
    _origin,
    _name_and_time,
    _bundle,
    _ice_lite,
    _allow_mixed,
    _stream_semantics,
)
