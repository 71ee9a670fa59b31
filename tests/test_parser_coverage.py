"""Each parser of strangers' bytes is covered, every branch of it, by its own tests alone.

A line that only other tests reach by luck is a line whose failure nobody has thought about. Each
row runs in a process of its own, so nothing that other tests import or call counts, and with a few
examples of each property only, so that no branch depends on a lucky one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RTP, SDP = "tests/sfu/core/rtp/test_", "tests/sfu/core/sdp/test_"
ANSWERING = ["answer", "codecs", "extensions", "layout", "negotiate", "sections"]
ANSWERING_TESTS = ["answer", "answer_rules", "offer_rules", "codecs", "layout", "layout_one_way"]
CODECS = ["av1", "codecs", "h264", "vp9"]
PARSERS: dict[str, tuple[list[str], list[str]]] = {  # name → (parsers, their tests)
    "header": (["sfu/core/rtp/header.py"], [RTP + "header.py"]),
    "rtcp": (
        ["sfu/core/rtp/rtcp.py", "sfu/core/rtp/rtcp_build.py", "sfu/core/rtp/packets.py"],
        [RTP + "rtcp.py"],
    ),
    "twcc": (["sfu/core/rtp/twcc.py"], [RTP + "twcc.py"]),
    "vp8": (["sfu/core/rtp/vp8.py"], [RTP + "vp8.py"]),
    "codecs": ([f"sfu/core/rtp/{name}.py" for name in CODECS], [RTP + "codecs.py"]),
    "ledger": (["sfu/core/rtp/ledger.py"], [RTP + "ledger.py"]),
    "stun": (["sfu/shell/stun.py"], ["tests/sfu/shell/test_stun.py"]),
    "streams": (
        [f"sfu/core/stream/{name}.py" for name in ("first_bytes", "framing", "link")],
        [f"tests/sfu/core/stream/test_{name}.py" for name in ("first_bytes", "framing", "link")],
    ),
    "turn": (
        [f"sfu/core/turn/{name}.py" for name in ("credentials", "message", "server")],
        ["tests/sfu/core/turn/test_message.py", "tests/sfu/core/turn/test_server.py"],
    ),
    "dtls": (
        ["sfu/shell/dtls.py"],
        ["tests/sfu/shell/test_dtls.py", "tests/sfu/shell/test_dtls_hostile.py"],
    ),
    "srtp": (
        ["sfu/shell/srtp.py", "sfu/shell/srtp_gcm.py"],
        ["tests/sfu/shell/test_srtp.py", "tests/sfu/shell/test_srtp_hostile.py"],
    ),
    "frames": (["sfu/shell/frames.py"], ["tests/sfu/shell/test_frames.py"]),
    "sdp-reading": (
        [f"sfu/core/sdp/{name}.py" for name in ("attributes", "lines", "parse", "model")],
        [SDP + "parse.py", SDP + "parse_hostile.py"],
    ),
    "sdp-answering": (
        [f"sfu/core/sdp/{name}.py" for name in ANSWERING],
        [SDP + f"{name}.py" for name in ANSWERING_TESTS],
    ),
    "signalling": (
        ["signaling/core/wire.py", "signaling/core/messages.py"],
        ["tests/signaling/core/test_wire.py"],
    ),
    "fragments": (["signaling/core/sdpfrag.py"], ["tests/signaling/core/test_sdpfrag.py"]),
    "device-requests": (
        ["signaling/shell/requests.py"],
        ["tests/signaling/shell/test_devices.py"],
    ),
}


def missing(sources: list[str], tests: list[str], data: Path) -> str:
    """The report's lines of files that are not wholly covered, "" where all are."""
    environment = {
        **os.environ,
        "COVERAGE_FILE": str(data),
        "COVERAGE_CORE": "ctrace",
        "HYPOTHESIS_PROFILE": "cover",
    }
    coverage = [sys.executable, "-m", "coverage"]
    include = f"--include={','.join(sources)}"
    run = [*coverage, "run", "--branch", include, "-m", "pytest", "-q", "-m", "not slow", *tests]
    report = [*coverage, "report", "--show-missing", "--skip-covered", "--precision=2", include]
    for command in (run, report):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if re.match(r"\w+/", line))


@pytest.mark.slow
@pytest.mark.parametrize("parser", PARSERS)
def test_a_parser_is_covered_by_its_own_tests(parser: str, tmp_path: Path) -> None:
    assert missing(*PARSERS[parser], tmp_path / "coverage") == ""


def test_every_parser_and_test_that_is_named_exists() -> None:
    named = [path for row in PARSERS.values() for paths in row for path in paths]
    assert [path for path in named if not list(ROOT.glob(path))] == []
