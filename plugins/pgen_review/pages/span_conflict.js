import { MARKS, drawn, element, number, text } from "./dom.js";

const [WIDTH, HEIGHT] = [400, 14];

/** Return the spans of several people side by side, each with a button that takes them. */
export function spansSideBySide(verdicts, frames, take) {
  const names = [...new Set(verdicts.flatMap(({ spans }) => spans.map(({ name }) => name)))];
  return verdicts.map(({ by, state, spans }, place) => {
    const button = element("button", { type: "button", title: `Take these spans (${place + 1})` }, `${place + 1}`);
    button.addEventListener("click", () => take(place));
    const rows = spans.map(({ name, start, stop }) => text("li", {}, `${name}, frames ${number(start)} to ${number(stop - 1)}`));
    return element("article", { class: "verdict" },
      text("p", {}, state === "open" ? `${MARKS[state]} as they are now` : `${MARKS[state]} ${state} by ${by}`),
      strip(spans, names, frames), element("ol", {}, ...rows), button);
  });
}

/** Return spans as bars. */
function strip(spans, names, frames) {
  const x = (frame) => (frame / frames * WIDTH).toFixed(1);
  const bars = spans.map(({ name, start, stop }) => drawn("rect", { class: `span hue${names.indexOf(name) % 8}`, x: x(start), y: 0, width: Math.max((stop - start) / frames * WIDTH - 1, 1).toFixed(1), height: HEIGHT }));
  return drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...bars);
}
