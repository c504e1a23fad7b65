/** Return the rows of the table of keys that change a review: what they do, and the function of each. */
export function keysOf(editing) {
  const general = [["flag for another person", { f: () => editing.flag() }], ["note", { m: () => editing.note() }], ["undo, redo", { z: () => editing.undo(), Z: () => editing.redo() }]];
  const takes = Object.fromEntries([..."12"].map((key, place) => [key, () => editing.take(place)]));
  if (editing.segments) return [...editing.spans.keys, ["take these spans of a conflict", takes], general.at(-1)];
  if (editing.compares) return [["prefer the first, the second, neither", { ...takes, 0: () => editing.take(-1) }], ...general];
  return [
    ["accept, and go to the next in the queue", { a: () => editing.accept() }],
    ["reject with a reason, and go to the next", { r: () => editing.reject() }],
    ["edit the text", { e: () => editing.open(() => editing.editor.focus()) }],
    ["drop what was typed", { Escape: () => editing.drop() }],
    ["keep what was typed", { "Ctrl+Enter": () => editing.keep() }],
    ["the dialogue begins, ends at this frame, or at a change of the robot near it", { i: () => editing.move("start"), o: () => editing.move("stop") }],
    ["exactly at this frame", { "Alt+i": () => editing.move("start", true), "Alt+o": () => editing.move("stop", true) }],
    ["take this verdict, or these spans, of a conflict", takes],
    ["ask the model again; then 1 to 4 take what it wrote, e edits it first", { g: () => editing.ask() }],
    ["ask the model again about all that are rejected", { G: () => editing.asking.askAll() }],
    ...editing.spans.keys,
    ...general,
  ];
}
