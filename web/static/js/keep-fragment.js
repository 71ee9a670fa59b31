/**
 * Signing in on the way to a page whose link has a secret in its fragment: the forms carry the fragment
 * on, as browsers do over redirects, and no request ever holds it.
 */

for (const form of document.forms) {
  if (location.hash.length > 1) form.action += location.hash;
}
