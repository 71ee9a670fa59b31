"""Forms and fields that several pages have."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Code = Annotated[str, Meta(max_length=40)]
Password = Annotated[str, Meta(max_length=1024)]


class Posted(msgspec.Struct, frozen=True):
    """A button: the token of the session whose page it was on."""

    csrf: str = ""


class CodeForm(msgspec.Struct, frozen=True):
    code: Code
    csrf: str = ""
