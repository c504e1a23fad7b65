/** Lists of spans by frames: each function returns a list in which spans are sorted, disjoint, and have a frame. */

/** Return the edges of spans, by their frames: where `left` ends and `right` starts, of which one may be missing. */
export function edgesOf(spans) {
  const edges = [];
  spans.forEach(({ start, stop }, place) => {
    if (place && spans[place - 1].stop === start) edges.at(-1).right = place;
    else edges.push({ frame: start, left: null, right: place });
    edges.push({ frame: stop, left: place, right: null });
  });
  return edges;
}

/** Move an edge to a frame, or as far as its spans and their neighbours let it. */
export function moveEdge(spans, { left, right }, frame, frames) {
  const least = left === null ? spans[right - 1]?.stop ?? 0 : spans[left].start + 1;
  const most = right === null ? spans[left + 1]?.start ?? frames : spans[right].stop - 1;
  const to = Math.min(Math.max(frame, least), most);
  return spans.map((span, place) => ({ ...span, ...(place === left && { stop: to }), ...(place === right && { start: to }) }));
}

/** Return the place of the span that has a frame, or -1. */
export function placeOf(spans, frame) {
  return spans.findIndex(({ start, stop }) => frame >= start && frame < stop);
}

/** Split the span of a frame, which is the first one of the second part. */
export function split(spans, frame) {
  return spans.flatMap((span) => frame > span.start && frame < span.stop ? [{ ...span, stop: frame }, { ...span, start: frame }] : [span]);
}

/** Let a span reach to the end of the next one, which is left out. */
export function merge(spans, place) {
  if (place < 0 || place + 1 >= spans.length) return spans;
  return spans.toSpliced(place, 2, { ...spans[place], stop: spans[place + 1].stop });
}

export function rename(spans, place, name) {
  return spans.map((span, other) => other === place ? { ...span, name } : span);
}
