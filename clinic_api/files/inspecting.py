"""Decides on a file while it streams by: which type it is, and that it is nothing else besides.

A file that is two things at once (a picture with an archive behind it, a PDF that begins with a
script) passes one program's check and is the other thing for the next. So: the signature stands at
byte 0, no other container's signature stands where readers look for it, and formats that say where
they end end there. What is still let through does no harm on the way out (`http/downloads.py`).
"""

from __future__ import annotations

import codecs
import re

from clinic_api.files import media_types as types

TAIL_BYTES = 65_535 + 22  # where a reader of archives looks for its directory (APPNOTE 4.3.16)
PDF_HEAD_BYTES = (
    1024  # readers take a PDF that begins anywhere in these (ISO 32000-1, note H.3.4.1)
)
PDF_TAIL_BYTES = 1024

_ZIP_END = b"PK\x05\x06"
_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")
_OVERLAP_BYTES = max(map(len, _ARCHIVES)) - 1
_MARKUP = re.compile(rb"<(html|script|!doctype|\?php|iframe)", re.IGNORECASE)
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_PDF_END = re.compile(rb"%%EOF[\s\x00]*\Z")


class NotAccepted(Exception):
    """The file is refused; the message is a sentence for whoever sent it."""


WRONG_TYPE = f"This kind of file is not taken here. Taken are {types.IN_WORDS}."
TWO_FILES = "There is a second file hidden in this one. Please save it anew and send that."
CUT = "This file is damaged or not complete."
EMPTY = "This file is empty."


class Inspector:
    """Gets the whole file in parts; holds some 70 KiB of it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._head = b""
        self._tail = b""
        self._size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._type: str | None = None  # None: not enough was seen; "": text, so far

    def feed(self, data: bytes) -> None:
        """Raises NotAccepted as soon as it is certain."""
        self._refuse_archives(data)
        self._size += len(data)
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        if self._type is None:
            self._head += data
            if len(self._head) < types.HEAD_BYTES:
                return
            self._decide()
        elif not self._type:
            self._decode(data, last=False)

    def finish(self) -> str:
        """The media type; ZIP for what has to be looked into. Raises NotAccepted."""
        if not self._size:
            raise NotAccepted(EMPTY)
        if self._type is None:
            self._decide()
        if not self._type:
            self._decode(b"", last=True)
        self._refuse_second()
        self._refuse_cut()
        return self._type or (types.CSV if types.is_csv(self._name) else types.TEXT)

    def _decide(self) -> None:
        begin = self._head[: types.HEAD_BYTES]
        self._type = types.media_type_of(begin)
        if self._type == types.PDF:
            return
        if b"%PDF-" in begin[:PDF_HEAD_BYTES]:
            raise NotAccepted(TWO_FILES)
        if self._type == types.ZIP:
            return
        if _MARKUP.search(begin):
            raise NotAccepted(TWO_FILES if self._type else WRONG_TYPE)
        if not self._type:
            self._decode(self._head, last=False, first=True)

    def _decode(self, data: bytes, *, last: bool, first: bool = False) -> None:
        """Text is UTF-8 of printable characters, and no page or picture in words."""
        try:
            text = self._decoder.decode(data, last)
        except UnicodeDecodeError:
            raise NotAccepted(WRONG_TYPE) from None
        if _NO_TEXT.search(text) or (first and text.lstrip().startswith("<")):
            raise NotAccepted(WRONG_TYPE)

    def _refuse_archives(self, data: bytes) -> None:
        seen = self._tail[-_OVERLAP_BYTES:] + data
        if any(each in seen for each in _ARCHIVES):
            is_one = not self._size and data.startswith(_ARCHIVES)
            raise NotAccepted(WRONG_TYPE if is_one else TWO_FILES)

    def _refuse_second(self) -> None:
        if self._type != types.ZIP and _ZIP_END in self._tail:
            raise NotAccepted(TWO_FILES)
        if self._type not in (types.ZIP, types.PDF) and _MARKUP.search(self._tail):
            raise NotAccepted(TWO_FILES if self._type else WRONG_TYPE)

    def _refuse_cut(self) -> None:
        match self._type:
            case types.PDF if not _PDF_END.search(self._tail[-PDF_TAIL_BYTES:]):
                raise NotAccepted(CUT)
            case types.PNG if not self._tail.endswith(_PNG_END):
                raise NotAccepted(CUT)
            case types.WEBP if int.from_bytes(self._head[4:8], "little") + 8 != self._size:
                raise NotAccepted(CUT)
