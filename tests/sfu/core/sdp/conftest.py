"""Third-party offers are tested where a folder of them lies beside the checkout."""

from __future__ import annotations

from tests.sfu.core.sdp.offers import THIRD_PARTY

collect_ignore = [] if THIRD_PARTY.is_dir() else ["test_third_party_offers.py"]
