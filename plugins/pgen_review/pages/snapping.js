/** Frames by which an edge moves at most to a change point. */
const NEAR = 3;

/** Return the change point that is nearest to a frame, of those that fit and are near, or the frame itself. */
export function snapped(frame, changes = [], fits = () => true) {
  const near = changes.filter((at) => Math.abs(at - frame) <= NEAR && fits(at));
  return near.toSorted((a, b) => Math.abs(a - frame) - Math.abs(b - frame))[0] ?? frame;
}
