"""Turn the text of an offer into an `Offer`: bounded, strict in what we use, blind to the rest.

`lines` cuts the text, `attributes` reads single values, this module puts each m-line together:
its own attributes first, the session's where it has none. Where a line is written twice the first
one counts. Bad input raises `SdpError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from sfu.core.description import Fingerprint
from sfu.core.sdp import attributes
from sfu.core.sdp.lines import Block, split
from sfu.core.sdp.model import Direction, Format, HeaderExtension, Media, MediaKind, Offer, SdpError

_KINDS: dict[str, MediaKind] = {"audio": "audio", "video": "video", "application": "application"}
_ONE_BYTE_MAX = 14  # RFC 8285 section 4.2: larger ids need two-byte headers
Value = TypeVar("Value")


class _Shared(msgspec.Struct, frozen=True):
    """The session's block and what is read of it once for all m-lines."""

    block: Block
    groups: dict[str, int]
    fingerprints: tuple[Fingerprint, ...]
    extensions: tuple[HeaderExtension, ...]


def parse_offer(text: str) -> Offer:
    """Parse an offer of at most 120 000 characters. Raises SdpError."""
    session, blocks = split(text)
    origin = attributes.fit("o", session.head)
    shared = _Shared(session, _groups(session), _fingerprints(session), _extmaps(session))
    media = tuple(_media(index, block, shared) for index, block in enumerate(blocks))
    if len({each.mid for each in media}) != len(media):
        raise SdpError("duplicate_mid", "Two m-lines have the same mid.")
    return Offer(int(origin[1]), int(origin[2]), media)


def _media(index: int, block: Block, shared: _Shared) -> Media:
    session = shared.block
    head = attributes.fit("m", block.head)
    mid = _word("mid", block) or str(index)
    direction = _direction(block, session)
    sends = direction in ("sendrecv", "sendonly")
    pairs = _known(attributes.flow_pair, block.values("ssrc-group")) if sends else []
    return Media(
        index=index,
        mid=mid,
        kind=_KINDS.get(head[1], "other"),
        port=_port(head[2]),
        protocol=head[3],
        tokens=tuple(head[4].split()),
        media=head[1],
        has_mid=block.has("mid"),
        direction=direction,
        bundle_only=block.has("bundle-only"),
        group=shared.groups.get(mid),
        ufrag=_word("ice-ufrag", block, session),
        password=_word("ice-pwd", block, session),
        fingerprints=_fingerprints(block) or shared.fingerprints,
        setup=_word("setup", block, session),
        rtcp_mux=block.has("rtcp-mux"),
        rtcp_rsize=block.has("rtcp-rsize"),
        allow_mixed=_allows_mixed(block, session),
        formats=_formats(block, head[4].split()),
        extensions=_extensions(block, shared),
        rids=tuple(_known(attributes.sent_rid, block.values("rid"))),
        simulcast=attributes.sent_layers(block.first("simulcast") or ""),
        ssrcs=_ssrcs(block, pairs) if sends else (),
        flow_pairs=tuple(pairs),
        msids=tuple(attributes.msid(value) for value in block.values("msid")),
    )


def _groups(session: Block) -> dict[str, int]:
    """Return each bundled mid's group number; a mid named twice belongs to its first group."""
    numbers: dict[str, int] = {}
    for number, mids in enumerate(_known(attributes.bundle, session.values("group"))):
        for mid in mids:
            numbers.setdefault(mid, number)
    return numbers


def _known(read: Callable[[str], Value | None], values: Iterable[str]) -> list[Value]:
    """Read all values, without those that the reader leaves out and without repetitions."""
    found = (read(value) for value in values)
    return list(dict.fromkeys(value for value in found if value is not None))


def _word(name: str, *blocks: Block) -> str:
    """Read a one-word attribute from the first block that has it, "" where none has."""
    values = (block.first(name) for block in blocks)
    value = next((value for value in values if value is not None), None)
    return "" if value is None else attributes.token(name, value)


def _port(digits: str) -> int:
    port = int(digits)
    if port > 65_535:
        raise SdpError("bad_attribute", "An m-line has a port over 65535.")
    return port


def _direction(*blocks: Block) -> Direction:
    for block in blocks:
        for direction in attributes.DIRECTIONS:
            if block.has(direction):
                return direction
    return "sendrecv"


def _fingerprints(block: Block) -> tuple[Fingerprint, ...]:
    return tuple(_known(attributes.fingerprint, block.values("fingerprint")))


def _allows_mixed(*blocks: Block) -> bool:
    return any(block.has("extmap-allow-mixed") for block in blocks)


def _formats(block: Block, tokens: list[str]) -> tuple[Format, ...]:
    mapped: dict[str, Format] = {}
    for value in block.values("rtpmap"):
        entry = attributes.rtpmap(value)
        mapped.setdefault(str(entry.payload_type), entry)
    parameters = dict(reversed([attributes.fmtp(value) for value in block.values("fmtp")]))
    feedback = [attributes.feedback(value) for value in block.values("rtcp-fb")]
    return tuple(
        _complete(mapped[token], parameters, feedback)
        for token in dict.fromkeys(tokens)
        if token in mapped
    )


def _complete(
    entry: Format, parameters: dict[int, str], feedback: list[tuple[int | None, str]]
) -> Format:
    payload_type = entry.payload_type
    own = (value for target, value in feedback if target in (None, payload_type))
    return msgspec.structs.replace(
        entry, fmtp=parameters.get(payload_type, ""), feedback=tuple(dict.fromkeys(own))
    )


def _extmaps(block: Block) -> tuple[HeaderExtension, ...]:
    by_id: dict[int, HeaderExtension] = {}
    for extension in _known(attributes.extension, block.values("extmap")):
        by_id.setdefault(extension.id, extension)
    return tuple(by_id.values())


def _extensions(block: Block, shared: _Shared) -> tuple[HeaderExtension, ...]:
    mixed = _allows_mixed(block, shared.block)
    largest = attributes.MAX_EXTENSION_ID if mixed else _ONE_BYTE_MAX
    found = _extmaps(block) if block.has("extmap") else shared.extensions
    return tuple(extension for extension in found if extension.id <= largest)


def _ssrcs(block: Block, pairs: list[tuple[int, int]]) -> tuple[int, ...]:
    """Return the media ssrcs; a rtx ssrc counts as such even without a line of its own."""
    repair = {rtx for _, rtx in pairs}
    declared = [attributes.ssrc(value) for value in block.values("ssrc")]
    declared += [media for media, _ in pairs]
    return tuple(ssrc for ssrc in dict.fromkeys(declared) if ssrc not in repair)
