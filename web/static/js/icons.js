/**
 * The icons, as the paths of 24×24 line drawings in the current text colour. They are decoration:
 * every control has words of its own.
 */

const PATHS = {
  mic: "M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3ZM6 11v1a6 6 0 0 0 12 0v-1M12 18v3M9 21h6",
  micOff: "M4 4l16 16M9 9v3a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.8-1M6 11v1a6 6 0 0 0 9.3 5M18 11v1c0 .8-.2 1.6-.5 2.3M12 18v3M9 21h6",
  camera: "M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2ZM15 11l6-3.5v9L15 13",
  cameraOff: "M4 4l16 16M8 7h5a2 2 0 0 1 2 2v2l6-3.5v8.5M13.500 17H4a2 2 0 0 1-2-2V9a2 2 0 0 1 1.500-1.900",
  screen: "M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8 21h8M12 14V8M9 10.500 12 8l3 2.500",
  chat: "M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2ZM8 10h8M8 13h5",
  people: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 20a6.500 6.500 0 0 1 13 0M16 4.500a3.300 3.300 0 0 1 0 6.200M18 14.500a6 6 0 0 1 3.500 5.500",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  leave: "M3 14c5-4.500 13-4.500 18 0l-1.800 2.600-4.200-1.400v-3a12 12 0 0 0-6 0v3l-4.200 1.400L3 14Z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12 20 4l-5 16-3.500-6.500L4 12ZM11.500 13.500 20 4",
  lock: "M7 11h10a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1ZM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  sound: "M4 9.500h3.500L12 6v12l-4.500-3.500H4v-5ZM15.500 9.500a3.500 3.500 0 0 1 0 5M18 7a7 7 0 0 1 0 10",
  weak: "M5 19v-3M10 19v-6M15 19v-2M20 19v-2M4 4l16 16",
};

/** @typedef {keyof typeof PATHS} IconName */

const SVG = "http://www.w3.org/2000/svg";

/**
 * A new icon.
 * @param {IconName} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
