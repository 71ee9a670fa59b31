"""Loaded by Python itself where this folder is in PYTHONPATH: writes down every codec that is made.

Each process leaves a file `watched-PID` in CODEC_WATCH_FOLDER, and a file `made-PID` as soon as av
or aiortc creates an encoder or a decoder in it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["CODEC_WATCH_FOLDER"])


def _recording(make: Callable[..., Any], name: str) -> Callable[..., Any]:
    def recorded(*arguments: Any, **options: Any) -> Any:
        with (_FOLDER / f"made-{os.getpid()}").open("a") as file:
            file.write(f"{name} {arguments}\n")
        return make(*arguments, **options)

    return recorded


def _watch_av() -> None:
    """CodecContext is an extension type whose `create` cannot be replaced, so all of it is."""
    av: Any = importlib.import_module("av")
    make = staticmethod(_recording(av.CodecContext.create, "av.CodecContext.create"))
    stand_in = type("CodecContext", (), {"create": make})
    av.codec.CodecContext = av.CodecContext = stand_in
    av.open = _recording(av.open, "av.open")


def _watch_aiortc() -> None:
    codecs = importlib.import_module("aiortc.codecs")
    for function, user in (("get_decoder", "rtcrtpreceiver"), ("get_encoder", "rtcrtpsender")):
        recorded = _recording(getattr(codecs, function), f"aiortc.codecs.{function}")
        setattr(codecs, function, recorded)
        setattr(importlib.import_module(f"aiortc.{user}"), function, recorded)


_watch_av()  # first: aiortc copies the name when it is imported
_watch_aiortc()
(_FOLDER / f"watched-{os.getpid()}").touch()
