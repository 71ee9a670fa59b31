"""What people choose from when they set a clinic up."""

from zoneinfo import ZoneInfo

from web.places import countries, zones


def test_countries_have_codes_and_names_in_order() -> None:
    found = dict(countries())
    assert found["PL"] == "Poland"
    assert len(found) > 200
    assert [name for _, name in countries()] == sorted(found.values())


def test_every_zone_can_be_used() -> None:
    names = [name for name, _ in zones()]
    assert {"Europe/Warsaw", "America/New_York", "Asia/Kathmandu", "UTC"} <= set(names)
    for name in names:
        ZoneInfo(name)
