/**
 * A country suggests its time zone and its currency, for as long as nobody has chosen others; at
 * first the browser's own time zone suggests the country.
 *
 * @typedef {{country: HTMLSelectElement, zone: HTMLSelectElement, currency: HTMLSelectElement}} Fields
 */

/**
 * @param {Fields} fields The options of `country` carry `data-zones`, the main one first, and
 *   `data-currency`.
 * @param {string} here The browser's time zone (IANA).
 */
export function suggestPlaces({ country, zone, currency }, here) {
  const zonesOf = (/** @type {HTMLOptionElement} */ option) =>
    (option.dataset.zones ?? "").split(" ");

  /** What the chosen country suggests. */
  function suggested() {
    const option = country.options[country.selectedIndex];
    const zones = option ? zonesOf(option) : [""];
    return {
      zone: zones.includes(here) ? here : (zones[0] ?? ""),
      currency: option?.dataset.currency ?? "",
    };
  }

  if (country.value === "") {
    const own = [...country.options].find((option) => zonesOf(option).includes(here));
    if (own) country.value = own.value;
  }
  let last = suggested();
  if (zone.value === "") zone.value = last.zone;
  if (currency.value === "") currency.value = last.currency;

  country.addEventListener("change", () => {
    const next = suggested();
    if (zone.value === last.zone) zone.value = next.zone;
    if (currency.value === last.currency) currency.value = next.currency;
    last = next;
  });
}
