import { byId, number } from "./dom.js";

/** Show how much is reviewed, and what is not acknowledged yet. */
export function showProgress({ counts, unsaved, problem, last, next }) {
  const all = ["open", "accepted", "edited", "rejected", "stale"].reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  const done = all - left(counts);
  Object.assign(byId("progress"), { max: Math.max(all, 1), value: done });
  byId("done").textContent = `${number(done)} of ${number(all)} reviewed${counts.stale ? `, ${number(counts.stale)} stale` : ""}`;
  byId("unsaved").textContent = `unsaved ${number(unsaved)}`;
  byId("problem").textContent = problem;
  byId("problem").hidden = !problem;
  [byId("undo").disabled, byId("redo").disabled] = [last === null && !unsaved, next === null];
}

/** Return how many dialogues nobody has decided on, as they are now. */
export function left(counts) {
  return (counts.open ?? 0) + (counts.stale ?? 0);
}
