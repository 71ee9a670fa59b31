/**
 * Buttons `data-copy="<id>"` put the text of that element on the clipboard and say so with their own
 * `data-copied`. They are hidden until this runs; where the browser refuses, the text is selected.
 */

/** The word stays this long. */
const SAID_MS = 3000;

/** @param {HTMLElement} source */
function select(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection()?.removeAllRanges();
  getSelection()?.addRange(range);
}

/** @param {HTMLButtonElement} button @param {HTMLElement} source */
async function copy(button, source) {
  try {
    await navigator.clipboard.writeText(source.innerText.trim());
  } catch {
    return select(source);
  }
  const before = button.innerText;
  button.innerText = button.dataset.copied ?? "";
  button.disabled = true;
  setTimeout(() => {
    button.innerText = before;
    button.disabled = false;
  }, SAID_MS);
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copy]"))) {
  const source = document.getElementById(button.dataset.copy ?? "");
  if (source === null) continue;
  button.hidden = false;
  button.addEventListener("click", () => void copy(button, source));
}
