"""Fake devices: a camera that shows one colour and a microphone that hums one note,
or speaks where a test is about speech.

The colour tells whose picture a tile shows. A little moving noise in the brightness (never in the
hue) makes the encoder spend as many packets as on a real picture.
"""

from __future__ import annotations

import math
import random
import subprocess
import wave
from pathlib import Path

import msgspec

FRAMES_IN_CIRCLE = 6  # shown again and again
_SAMPLE_RATE = 48_000  # Hz
_HEAD_Y, _HEAD_RADIUS, _SHOULDERS_Y = 0.42, 0.2, 0.64  # in picture heights


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


class Person(msgspec.Struct, frozen=True):
    """Somebody before the camera: head and shoulders, each of one colour."""

    skin: Colour
    clothes: Colour


class Camera(msgspec.Struct, frozen=True):
    """What a participant's camera shows. 1280 × 720 is large enough for three simulcast layers."""

    colour: Colour
    width: int = 320
    height: int = 240
    frames_per_second: int = 15
    noise: int = 0  # largest change of a pixel's brightness, 0..255
    tone_hz: int = 440
    speech: str = ""  # said again and again, in place of the tone
    person: Person | None = None  # for pictures that people look at


def write_video(path: Path, camera: Camera) -> None:
    """Write a YUV4MPEG2 file with 4:2:0 frames (BT.601, limited range)."""
    luma = _to_yuv(camera.colour)[0]
    planes = [_painted(camera, plane) for plane in range(3)]
    rate = f"F{camera.frames_per_second}:1"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{camera.width} H{camera.height} {rate} Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES_IN_CIRCLE):
            brightness = _noisy(camera, luma, number) if camera.noise else planes[0]
            file.write(b"FRAME\n" + brightness + planes[1] + planes[2])


def write_microphone(path: Path, camera: Camera) -> None:
    """Write what the microphone picks up, as a mono 16-bit WAV file that can loop."""
    if camera.speech:
        subprocess.run(["espeak-ng", "-w", str(path), camera.speech], check=True)
    else:
        write_tone(path, camera.tone_hz)


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


def _noisy(camera: Camera, luma: int, number: int) -> bytes:
    noise = random.Random(number)
    table = bytes(
        max(16, min(235, luma + i % (2 * camera.noise) - camera.noise)) for i in range(256)
    )
    return noise.randbytes(camera.width * camera.height).translate(table)


def _painted(camera: Camera, plane: int) -> bytes:
    """One plane (Y, U or V) of the picture, row by row; U and V have half the size."""
    scale = 1 if plane == 0 else 2
    width, height = camera.width // scale, camera.height // scale
    wall = _to_yuv(camera.colour)[plane]
    rows = []
    for y in range(height):
        value, half = _person_at(camera.person, plane, y / height)
        before = max(0, round(width / 2 - half * height))
        body = bytes([value]) * (width - 2 * before)
        rows.append(bytes([wall]) * before + body + bytes([wall]) * before)
    return b"".join(rows)


def _person_at(person: Person | None, plane: int, y: float) -> tuple[int, float]:
    """Value and half width of the body at this height; both lengths in picture heights."""
    if person is None:
        return 0, 0.0
    if abs(y - _HEAD_Y) < _HEAD_RADIUS:
        return _to_yuv(person.skin)[plane], math.sqrt(_HEAD_RADIUS**2 - (y - _HEAD_Y) ** 2)
    if y > _SHOULDERS_Y:
        slope = min(1.0, (y - _SHOULDERS_Y) / 0.25)
        return _to_yuv(person.clothes)[plane], 0.42 * math.sqrt(slope * (2 - slope))
    return 0, 0.0
