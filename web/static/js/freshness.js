/**
 * Asks again and again for what a page shows, while somebody sees it, and at once when somebody looks
 * at it again. One question at a time; what comes is shown, and what does not come is said.
 */

export const EVERY_MS = 15_000;

/**
 * @template T
 * @param {object} page
 * @param {() => Promise<T | null>} page.ask null where it is not to be had now
 * @param {(news: T | null) => void} page.show
 * @param {() => boolean} page.isSeen
 * @returns {() => Promise<void>} asks now; for when the page comes to the front
 */
export function keepFresh({ ask, show, isSeen }) {
  let isAsking = false;
  const refresh = async () => {
    if (isAsking || !isSeen()) return;
    isAsking = true;
    const news = await ask().catch(() => null);
    isAsking = false;
    show(news);
  };
  setInterval(() => void refresh(), EVERY_MS);
  return refresh;
}
