/**
 * The list of visits follows what happens: its page is fetched once more, and what stands between the
 * `data-fresh` of the same name is put in place. Focus stays on the link where it was, and the page does
 * not move. Asking keeps nobody signed in.
 */

import { keepFresh } from "./freshness.js";

/** The page as it is now; null where the server does not give it, or gives another one. */
async function fetchPage() {
  const response = await fetch(location.pathname, { headers: { "X-Background": "1" } });
  if (!response.ok || response.redirected) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** @param {Document} news */
function replaceParts(news) {
  for (const part of document.querySelectorAll("[data-fresh]")) {
    const name = part.getAttribute("data-fresh");
    const fresh = news.querySelector(`[data-fresh="${name}"]`);
    if (fresh !== null && fresh.innerHTML !== part.innerHTML) replaceInside(part, fresh);
  }
}

/** @param {Element} part @param {Element} fresh */
function replaceInside(part, fresh) {
  const focused = document.activeElement;
  const path = part.contains(focused) ? focused?.getAttribute("href") : null;
  part.replaceChildren(...fresh.childNodes);
  if (!path) return;
  const again = /** @type {HTMLElement | null} */ (part.querySelector(`a[href="${CSS.escape(path)}"]`));
  again?.focus({ preventScroll: true });
}

/** @param {Document | null} news */
function show(news) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-stale]"))) {
    part.hidden = news !== null;
  }
  if (news !== null) replaceParts(news);
}

const refresh = keepFresh({ ask: fetchPage, show, isSeen: () => !document.hidden });
document.addEventListener("visibilitychange", () => void refresh());
