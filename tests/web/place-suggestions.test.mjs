import assert from "node:assert/strict";
import { test } from "node:test";

import { suggestPlaces } from "../../web/static/js/place-suggestions.js";

/** As much of a select element as is used. */
class Select extends EventTarget {
  constructor(options, value = "") {
    super();
    this.options = options;
    this.value = value;
  }

  get selectedIndex() {
    return this.options.findIndex((option) => option.value === this.value);
  }

  choose(value) {
    this.value = value;
    this.dispatchEvent(new Event("change"));
  }
}

const COUNTRIES = [
  { value: "", dataset: {} },
  { value: "PL", dataset: { zones: "Europe/Warsaw", currency: "PLN" } },
  { value: "US", dataset: { zones: "America/New_York America/Chicago", currency: "USD" } },
];

function form({ country = "", zone = "", currency = "" } = {}, here = "Etc/Nowhere") {
  const fields = {
    country: new Select(COUNTRIES, country),
    zone: new Select([], zone),
    currency: new Select([], currency),
  };
  suggestPlaces(fields, here);
  return fields;
}

const values = ({ country, zone, currency }) => [country.value, zone.value, currency.value];

test("the browser's time zone suggests the country and the rest", () => {
  assert.deepEqual(values(form({}, "America/Chicago")), ["US", "America/Chicago", "USD"]);
  assert.deepEqual(values(form({}, "Mars/Base")), ["", "", ""]);
});

test("a country suggests its zone and its currency", () => {
  const fields = form();
  fields.country.choose("US");
  assert.deepEqual(values(fields), ["US", "America/New_York", "USD"]);
  fields.country.choose("PL");
  assert.deepEqual(values(fields), ["PL", "Europe/Warsaw", "PLN"]);
});

test("what somebody chose stays", () => {
  const fields = form({ country: "PL", zone: "Europe/Berlin", currency: "EUR" });
  assert.deepEqual(values(fields), ["PL", "Europe/Berlin", "EUR"]);
  fields.country.choose("US");
  assert.deepEqual(values(fields), ["US", "Europe/Berlin", "EUR"]);
});
