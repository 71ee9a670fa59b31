/**
 * Forms that are opened by a link with a secret in its fragment (`#…`): the secret goes into the
 * form's hidden field, so that it is sent in a body, and leaves the address bar. Fields that are only
 * for those without a link go.
 */

for (const field of document.querySelectorAll("input[data-fragment]")) {
  if (!(field instanceof HTMLInputElement) || location.hash.length < 2) continue;
  field.value = decodeURIComponent(location.hash.slice(1));
  for (const rest of field.form?.querySelectorAll("[data-without-link]") ?? []) rest.remove();
  history.replaceState(null, "", location.pathname + location.search);
}
