"""Write the golden answers anew; the difference is then to be read.

`python -m tests.sfu.core.sdp.golden`
"""

from __future__ import annotations

from tests.sfu.core.sdp.offers import ANSWERED, DATA, answered


def main() -> None:
    for old in (DATA / "answers").glob("*.sdp"):
        old.unlink()
    for name in ANSWERED:
        (DATA / "answers" / f"{name}.sdp").write_bytes(answered(name).sdp.encode())


if __name__ == "__main__":
    main()
