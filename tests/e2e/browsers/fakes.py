"""Fake devices: a camera that shows one colour and a microphone that hums one note.

The colour tells whose picture a tile shows. A little moving noise in the brightness (never in the
hue) makes the encoder spend as many packets as on a real picture.
"""

from __future__ import annotations

import math
import random
import wave
from pathlib import Path

import msgspec

FRAMES_PER_SECOND = 15
_FRAMES_IN_FILE = 6  # the browser plays the file in a circle
_SAMPLE_RATE = 48_000  # Hz


class Colour(msgspec.Struct, frozen=True):
    """A colour by its name and its 8-bit RGB components."""

    name: str
    red: int
    green: int
    blue: int

    @property
    def css(self) -> str:
        return f"rgb({self.red}, {self.green}, {self.blue})"


RED = Colour("red", 200, 40, 40)
GREEN = Colour("green", 40, 160, 60)
BLUE = Colour("blue", 50, 80, 200)
YELLOW = Colour("yellow", 200, 190, 40)
COLOURS = (RED, GREEN, BLUE, YELLOW)


class Camera(msgspec.Struct, frozen=True):
    """What a participant's camera shows. 1280 × 720 is large enough for three simulcast layers."""

    colour: Colour
    width: int = 320
    height: int = 240
    noise: int = 0  # largest change of a pixel's brightness, 0..255
    tone_hz: int = 440


def write_video(path: Path, camera: Camera) -> None:
    """Write a YUV4MPEG2 file with 4:2:0 frames (BT.601, limited range)."""
    luma, blue_difference, red_difference = _to_yuv(camera.colour)
    quarter = camera.width * camera.height // 4
    chroma = bytes([blue_difference]) * quarter + bytes([red_difference]) * quarter
    rate = f"F{FRAMES_PER_SECOND}:1"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{camera.width} H{camera.height} {rate} Ip A1:1 C420jpeg\n".encode())
        for number in range(_FRAMES_IN_FILE):
            file.write(b"FRAME\n" + _brightness(camera, luma, number) + chroma)


def write_tone(path: Path, tone_hz: int, seconds: int = 2) -> None:
    """Write a mono 16-bit WAV file at half of full scale; whole periods, so that it can loop."""
    step = 2 * math.pi * tone_hz / _SAMPLE_RATE
    samples = (round(16_000 * math.sin(step * n)) for n in range(seconds * _SAMPLE_RATE))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SAMPLE_RATE)
        file.writeframes(b"".join(s.to_bytes(2, "little", signed=True) for s in samples))


def nearest(red: float, green: float, blue: float) -> str:
    """The name of the closest known colour, or `blank` for black, white and greys."""
    if max(red, green, blue) - min(red, green, blue) < 40:
        return "blank"
    return min(COLOURS, key=lambda c: _distance(c, red, green, blue)).name


def _distance(colour: Colour, red: float, green: float, blue: float) -> float:
    return math.dist((colour.red, colour.green, colour.blue), (red, green, blue))


def _to_yuv(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = colour.red / 255, colour.green / 255, colour.blue / 255
    luma = 16 + 65.5 * red + 128.6 * green + 25.0 * blue
    blue_difference = 128 - 37.8 * red - 74.2 * green + 112.0 * blue
    red_difference = 128 + 112.0 * red - 93.8 * green - 18.2 * blue
    return round(luma), round(blue_difference), round(red_difference)


def _brightness(camera: Camera, luma: int, number: int) -> bytes:
    pixels = camera.width * camera.height
    if not camera.noise:
        return bytes([luma]) * pixels
    noise = random.Random(number)
    table = bytes(
        max(16, min(235, luma + i % (2 * camera.noise) - camera.noise)) for i in range(256)
    )
    return noise.randbytes(pixels).translate(table)
