/** The set-up form: fills in what the country tells. */

import { suggestPlaces } from "./place-suggestions.js";

const [country, zone, currency] = ["country", "time_zone", "currency"].map((id) =>
  document.getElementById(id),
);
if (
  country instanceof HTMLSelectElement &&
  zone instanceof HTMLSelectElement &&
  currency instanceof HTMLSelectElement
) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  suggestPlaces({ country, zone, currency }, here);
}
