"""For every test: a private network around the whole run, and no skipping where CI=true.

The network is made when this file is imported, before anything opens a socket or starts a thread;
it takes about ten milliseconds. Where the machine does not allow it, tests marked e2e are skipped,
which is a failure under CI=true like every other skip.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests import hostile
from tests.netns import namespace

# The same examples on every run of `make test`, and a fifth as many in `make quick`; new ones, many
# and from a seed that is printed, in the properties' part of `make prove`. A shared machine makes
# any deadline for one example a lie.
settings.register_profile("test", derandomize=True, database=None, deadline=None)
settings.register_profile("quick", derandomize=True, max_examples=20, database=None, deadline=None)
settings.register_profile(
    "prove", max_examples=2_000, database=None, deadline=None, print_blob=True
)
settings.register_profile(
    "cover", derandomize=True, max_examples=hostile.FEW, database=None, deadline=None
)
settings.load_profile(hostile.PROFILE)


def _why_not_private() -> str:
    try:
        namespace.enter()
    except namespace.NoNamespace as why:
        return str(why)
    return ""


_NOT_PRIVATE = _why_not_private()
_SKIPPING_FORBIDDEN = os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_report_header() -> str:
    return f"network: {_NOT_PRIVATE or 'private namespace'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not _NOT_PRIVATE:
        return
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.skip(reason=f"no private network: {_NOT_PRIVATE}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _SKIPPING_FORBIDDEN and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI=true forbids skipping: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _SKIPPING_FORBIDDEN and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"CI=true forbids skipping: {report.longrepr}"
    return report
