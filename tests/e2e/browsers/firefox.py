"""Firefox ESR, Debian's own build, driven over WebDriver BiDi (bidi.py); one process, many pages.

Starting takes seconds, so a whole run shares one process; each page gets a user context (cookies
and storage) of its own. Its fake camera has no colour of ours, so a script that runs before the
page's own puts a coloured canvas in its place, and a recording in that of its humming microphone
where somebody is to speak.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

from tests.e2e.browsers import bidi
from tests.e2e.browsers.fakes import FRAMES_IN_CIRCLE, Camera, write_microphone
from tests.e2e.browsers.page import DEEP_QUERY, VIEWPORT, PageError, as_json
from tests.netns.hosts import Host

EXECUTABLE = "/usr/bin/firefox-esr"
_START_WITHIN_S = 60.0  # 3 to 7 s as a rule, 17 s seen under load
_STOP_WITHIN_S = 15.0

_PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.gmp-manager.url": "",
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "toolkit.telemetry.enabled": False,
}

_DEVICES = """\
() => {{
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {{
    const stream = await original(constraints);
    for (const track of stream.getVideoTracks()) {{
      stream.removeTrack(track);
      track.stop();
      const canvas = document.createElement('canvas');
      canvas.width = {width};
      canvas.height = {height};
      const context = canvas.getContext('2d');
      const pictures = Array.from({{length: {pictures}}}, () => {{
        context.fillStyle = {colour};
        context.fillRect(0, 0, canvas.width, canvas.height);
        const picture = context.getImageData(0, 0, canvas.width, canvas.height);
        const {{data}} = picture;
        for (let at = 0; at < data.length; at += 4) {{
          const change = (2 * Math.random() - 1) * {noise};
          data[at] += change;
          data[at + 1] += change;
          data[at + 2] += change;
        }}
        return picture;
      }});
      // Every picture that is drawn is a frame: two clocks would lose a third of them (measured).
      const coloured = canvas.captureStream().getVideoTracks()[0];
      let number = 0;
      const timer = setInterval(() => {{
        if (coloured.readyState === 'ended') clearInterval(timer);
        context.putImageData(pictures[number++ % pictures.length], 0, 0);
      }}, {period_ms});
      stream.addTrack(coloured);
    }}
    for (const track of {speech} ? stream.getAudioTracks() : []) {{
      stream.removeTrack(track);
      track.stop();
      const context = new AudioContext({{sampleRate: 48000}});
      const source = context.createBufferSource();
      const bytes = Uint8Array.from(atob({speech}), (c) => c.charCodeAt(0));
      source.buffer = await context.decodeAudioData(bytes.buffer);
      source.loop = true;
      const microphone = context.createMediaStreamDestination();
      source.connect(microphone);
      source.start();
      stream.addTrack(microphone.stream.getAudioTracks()[0]);
    }}
    return stream;
  }};
}}"""


_SETTLED = """\
async (query, selector) => {
  let before = '';
  for (let frame = 0; frame < 300; frame++) {
    await new Promise(requestAnimationFrame);
    const element = query(selector);
    if (!element) continue;
    element.scrollIntoView({block: 'nearest'});
    const {x, y, width, height} = element.getBoundingClientRect();
    const top = element.getRootNode().elementFromPoint(x + width / 2, y + height / 2);
    const now = [x, y, width, height].join();
    if (now === before && element.contains(top)) return element;
    before = now;
  }
  return null;
}"""


class FirefoxPage:
    """One tab in a user context of its own; see page.Page."""

    def __init__(self, connection: bidi.BidiConnection, user_context: str, context: str) -> None:
        self.messages: list[str] = []
        self._connection = connection
        self._user_context = user_context
        self._context = context
        connection.listen(self._remember)

    def _remember(self, method: str, params: dict[str, Any]) -> None:
        if method == "log.entryAdded" and params["source"].get("context") == self._context:
            self.messages.append(f"{params['level']}: {params['text']}")

    async def prepare(self, script: str) -> None:
        await self._connection.command(
            "script.addPreloadScript",
            functionDeclaration=f"() => {{ {script} }}",
            contexts=[self._context],
        )

    async def goto(self, url: str) -> None:
        await self._connection.command(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def evaluate(self, expression: str) -> Any:
        answer = await self._connection.command(
            "script.evaluate",
            expression=as_json(expression),
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise PageError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def click(self, selector: str) -> None:
        """Press the middle of the element once it has stopped moving and nothing covers it."""
        place = {"type": "element", "element": {"sharedId": await self._settled(selector)}}
        pointer = {
            "type": "pointer",
            "id": "mouse",
            "actions": [
                {"type": "pointerMove", "x": 0, "y": 0, "origin": place},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        }
        await self._connection.command(
            "input.performActions", context=self._context, actions=[pointer]
        )

    async def screenshot(self, path: Path) -> None:
        shot = await self._connection.command(
            "browsingContext.captureScreenshot", context=self._context
        )
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))

    async def close(self) -> None:
        await self._connection.command("browser.removeUserContext", userContext=self._user_context)

    async def _settled(self, selector: str) -> str:
        answer = await self._connection.command(
            "script.evaluate",
            expression=f"({_SETTLED})(({DEEP_QUERY}), {json.dumps(selector)})",
            target={"context": self._context},
            awaitPromise=True,
        )
        node = answer.get("result", {})
        if node.get("type") != "node":
            raise PageError(f"no element {selector} that can be clicked")
        return str(node["sharedId"])


class Firefox:
    """A running browser. Made by `start`, ended by `close`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        connection: bidi.BidiConnection,
        log: asyncio.Task[None],
        folder: Path,
    ) -> None:
        self._process = process
        self._connection = connection
        self._log = log
        self._folder = folder

    async def open_page(self, camera: Camera) -> FirefoxPage:
        """Open an empty page with this camera; a note is Firefox's own."""
        user = await self._connection.command("browser.createUserContext")
        created = await self._connection.command(
            "browsingContext.create", type="tab", userContext=user["userContext"]
        )
        context = created["context"]
        page = FirefoxPage(self._connection, user["userContext"], context)
        await self._connection.command(
            "browsingContext.setViewport",
            context=context,
            viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]},
        )
        await self._connection.command(
            "script.addPreloadScript",
            functionDeclaration=await asyncio.to_thread(_devices, camera, self._folder),
            contexts=[context],
        )
        return page

    async def close(self) -> None:
        """Ask it to quit; end it by force if it does not."""
        try:
            await self._connection.command("browser.close")
            async with asyncio.timeout(_STOP_WITHIN_S):
                await self._process.wait()
        except (PageError, TimeoutError):
            self._process.kill()
            await self._process.wait()
        await self._connection.close()
        await self._log


async def start(folder: Path, environment: dict[str, str], host: Host | None = None) -> Firefox:
    """Start Firefox with a fresh profile in `folder`, on `host` or on the server's machine."""
    executable = host.command(EXECUTABLE) if host else [EXECUTABLE]
    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = await asyncio.create_subprocess_exec(
        *(*executable, "--headless", "--no-remote", "--profile", str(profile)),
        *("--remote-debugging-port", "0"),
        env=os.environ | {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"} | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(_START_WITHIN_S):
        url = await _address(process.stderr)
        connection = await bidi.connect(url, host)
    return Firefox(process, connection, asyncio.create_task(_drain(process.stderr)), folder)


async def _address(errors: asyncio.StreamReader) -> str:
    while line := (await errors.readline()).decode(errors="replace"):
        if "WebDriver BiDi listening on" in line:
            return line.split()[-1]
    raise PageError("Firefox ended before it was ready")


async def _drain(errors: asyncio.StreamReader) -> None:
    while await errors.readline():
        pass


def _devices(camera: Camera, folder: Path) -> str:
    return _DEVICES.format(
        width=camera.width,
        height=camera.height,
        pictures=FRAMES_IN_CIRCLE if camera.noise else 1,
        noise=camera.noise,
        period_ms=1000 // camera.frames_per_second,
        colour=json.dumps(camera.colour.css),
        speech=json.dumps(_recording(camera, folder)),
    )


def _recording(camera: Camera, folder: Path) -> str:
    """What is said, as a WAV file in base64; nothing where nobody speaks."""
    if not camera.speech:
        return ""
    write_microphone(folder / "microphone.wav", camera)
    return base64.b64encode((folder / "microphone.wav").read_bytes()).decode()
