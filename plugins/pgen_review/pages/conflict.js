import { MARKS, element, text } from "./dom.js";

const EDITS = [
  ["edit_text", ["user", "robot"]],
  ["edit_types", ["scenario", "response"]],
  ["edit_range", ["start", "stop"]],
];
/** What was written by a model that was asked again keeps its origin. */
const TAKE = ["take", ["user", "robot", "scenario", "response"]];

/** Return the verdicts of several people side by side, each with a button that takes it. */
export function sideBySide(verdicts, take) {
  return verdicts.map((verdict, place) => {
    const { by, state, reason, changed } = verdict;
    const frames = changed.some((name) => name === "start" || name === "stop") && `frames ${verdict.start} to ${verdict.stop - 1}`;
    const rows = ["user", "robot", "scenario", "response"].filter((name) => changed.includes(name) || name === "user" || name === "robot");
    const button = element("button", { type: "button", title: `Take this verdict (${place + 1})` }, `${place + 1}`);
    button.addEventListener("click", () => take(place));
    return element("article", { class: "verdict" },
      text("p", {}, `${MARKS[state]} ${state} by ${by}`),
      ...rows.map((name) => element("p", {}, element("b", {}, `${name} `), text("span", {}, verdict[name] ?? ""))),
      ...[reason && `reason: ${reason}`, frames].filter(Boolean).map((shown) => text("p", { class: "quiet" }, shown)),
      button);
  });
}

/** Return the events that give a dialogue the verdict of another person, and the values that it sets. */
export function eventsOf(verdict) {
  const { state, reason, changed } = verdict;
  if (state === "rejected") return [[{ kind: "reject", reason }], {}];
  if (!changed.length) return [[{ kind: "accept" }], {}];
  const picked = (names) => Object.fromEntries(names.map((name) => [name, verdict[name]]));
  const written = verdict.asked ? [TAKE, EDITS[2]] : EDITS;
  const kinds = written.filter(([, names]) => names.some((name) => changed.includes(name)));
  const origin = picked(["asked", "generator"]);
  return [kinds.map(([kind, names]) => ({ kind, ...picked(names), ...(kind === "take" ? origin : {}) })), picked(kinds.flatMap(([, names]) => names))];
}
