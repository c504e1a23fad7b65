import { MARKS, element, text } from "./dom.js";

const EDITS = [
  ["edit_text", ["user", "robot"]],
  ["edit_types", ["scenario", "response"]],
  ["edit_range", ["start", "stop"]],
];
/** What was written by a model that was asked again keeps its origin. */
const TAKE = ["take", ["user", "robot", "scenario", "response"]];

/** Return the verdicts of several people, or those on a former dialogue and the present one, each with a button that takes it. */
export function sideBySide(verdicts, take) {
  return verdicts.map((verdict, place) => {
    const { by, state, reason, changed } = verdict;
    const frames = changed.some((name) => name === "start" || name === "stop") && `frames ${verdict.start} to ${verdict.stop - 1}`;
    const rows = ["user", "robot", "scenario", "response"].filter((name) => changed.includes(name) || name === "user" || name === "robot");
    const button = element("button", { type: "button", title: `Take this verdict (${place + 1})` }, `${place + 1}`);
    button.addEventListener("click", () => take(place));
    return element("article", { class: "verdict" },
      text("p", {}, state === "open" ? `${MARKS[state]} as it is now` : `${MARKS[state]} ${state} by ${by}`),
      ...rows.map((name) => element("p", {}, element("b", {}, `${name} `), text("span", {}, verdict[name] ?? ""))),
      ...[reason && `reason: ${reason}`, frames].filter(Boolean).map((shown) => text("p", { class: "quiet" }, shown)),
      button);
  });
}

/** Return the two dialogues of a pair side by side, each with a button that prefers it. */
export function pairOf(pair, take) {
  return pair.map(({ user, robot }, place) => {
    const button = element("button", { type: "button", title: `Prefer this (${place + 1})` }, `${place + 1}`);
    button.addEventListener("click", () => take(place));
    const rows = [["user", user], ["robot", robot]].map(([name, value]) => element("p", {}, element("b", {}, `${name} `), text("span", {}, value)));
    return element("article", { class: "verdict" }, ...rows, button);
  });
}

/** Return the events that give a dialogue the verdict of another person, the values, the state, and what is said. */
export function eventsOf(verdict) {
  const { state, reason, changed } = verdict;
  if (state === "open") return [[{ kind: "accept" }], {}, "accepted", "accepted as it is now"];
  const said = `${state} as by ${verdict.by}`;
  if (state === "rejected") return [[{ kind: "reject", reason }], {}, state, said];
  if (!changed.length) return [[{ kind: "accept" }], {}, state, said];
  const picked = (names) => Object.fromEntries(names.map((name) => [name, verdict[name]]));
  const written = verdict.asked ? [TAKE, EDITS[2]] : EDITS;
  const kinds = written.filter(([, names]) => names.some((name) => changed.includes(name)));
  const origin = picked(["asked", "generator"]);
  return [kinds.map(([kind, names]) => ({ kind, ...picked(names), ...(kind === "take" ? origin : {}) })), picked(kinds.flatMap(([, names]) => names)), state, said];
}

/** Return the same for the first or the second dialogue of a pair that is preferred, -1 being neither. */
export function preference(place) {
  return [[{ kind: "prefer", choice: place + 1 }], {}, "accepted", place < 0 ? "no preference" : `preferred ${place + 1}`];
}
