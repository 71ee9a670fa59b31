"""What people choose from when they set a clinic up."""

from zoneinfo import ZoneInfo

from web.places import countries, zones, zones_of


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


def test_every_country_suggests_the_zone_of_most_of_its_people() -> None:
    known = {name for name, _ in zones()}
    for country, _ in countries():
        there = zones_of(country)
        assert set(there) <= known
        assert there or country in {"BV", "HM"}, country
    main = {country: zones_of(country)[0] for country in ("PL", "US", "AU", "BR", "UZ", "CA")}
    assert main == {
        "PL": "Europe/Warsaw",
        "US": "America/New_York",
        "AU": "Australia/Sydney",
        "BR": "America/Sao_Paulo",
        "UZ": "Asia/Tashkent",
        "CA": "America/Toronto",
    }
