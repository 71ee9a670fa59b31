/**
 * How many rows a camera's picture has. Most tracks say it; one that a page has drawn says nothing in
 * Firefox (measured), and is looked at.
 */

/** A track that gives no picture for longer is taken for a large one. */
const WAIT_MS = 2000;

/** What the track says; 0 where it says nothing. @param {MediaStreamTrack | null} camera */
export function statedRows(camera) {
  return camera?.getSettings?.().height ?? 0;
}

/**
 * What the track says or shows; 0 where it does neither.
 * @param {MediaStreamTrack} camera
 * @param {(camera: MediaStreamTrack) => HTMLVideoElement} [show]
 */
export async function rowsOf(camera, show = hiddenElement) {
  return statedRows(camera) || seenRows(show(camera));
}

/** @param {MediaStreamTrack} camera */
function hiddenElement(camera) {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([camera]);
  return video;
}

/** @param {HTMLVideoElement} video @returns {Promise<number>} */
async function seenRows(video) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, WAIT_MS);
    video.onloadedmetadata = () => {
      clearTimeout(timer);
      resolve(null);
    };
  });
  const rows = video.videoHeight;
  video.srcObject = null;
  return rows;
}
