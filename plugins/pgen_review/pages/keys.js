import { byId, element, openDialog } from "./dom.js";

const NAMES = {
  " ": "space", Escape: "Esc", "Ctrl+Enter": "ctrl-Enter",
  "Alt+ArrowLeft": "alt-←", "Alt+ArrowRight": "alt-→", "Alt+Shift+ArrowLeft": "alt-shift-←", "Alt+Shift+ArrowRight": "alt-shift-→",
  "Alt+i": "alt-i", "Alt+o": "alt-o",
};
const TYPING = "select, textarea, input:not([type=range], [type=checkbox])";
/** What the space bar presses instead of playing, and Enter instead of renaming. */
const PRESSED = "button:not(#items button), summary, input[type=checkbox]";
/** What acts while text is typed too. */
const LEAVES = ["Escape", "Ctrl+Enter"];

/** Bind keys by a table of rows: what they do, and the function of each. The help is made from the same table. While
 * `isOpening()`, a field or a dialog is about to appear: what is typed waits for the call of the function returned. */
export function bind(table, isOpening) {
  const typed = [];
  const rows = [...table, ["these keys", { "?": () => help(rows) }]];
  const actions = new Map(rows.flatMap(([, keys]) => Object.entries(keys)));
  byId("help").addEventListener("click", () => help(rows));
  window.addEventListener("keydown", (event) => {
    const { target } = event;
    const modifiers = [(event.ctrlKey || event.metaKey) && "Ctrl+", event.altKey && "Alt+", event.altKey && event.shiftKey && "Shift+"];
    const key = [...modifiers.filter(Boolean), event.key].join("");
    if (isOpening()) {
      event.preventDefault();
      typed.push(event);
      return;
    }
    // A dialog that was closed has the focus until the page is drawn again.
    const typing = target.matches(TYPING) && !target.closest("dialog:not([open])");
    if (typing && key === "Escape" && !target.closest("#editor")) target.blur();
    if (document.querySelector("dialog[open]") || !actions.has(key)) return;
    if (typing && !LEAVES.includes(key)) return;
    if (key === " " && target.matches(PRESSED)) return;
    if (key === "Enter" && target.matches("button, summary, input, select, a")) return;
    event.preventDefault();
    actions.get(key)();
  });
  return () => {
    while (typed.length && !isOpening()) type(typed.shift());
  };
}

/** Type a key where the focus is, as a keyboard does. */
function type({ key, ctrlKey }) {
  const target = document.activeElement;
  const event = new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, cancelable: true });
  if (!target.dispatchEvent(event)) return;
  if (key === "Escape") target.closest("dialog")?.close();
  if (key.length > 1 || !target.matches("textarea, input:not([type])")) return;
  target.setRangeText(key, target.selectionStart, target.selectionEnd, "end");
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

function help(rows) {
  const lines = rows.map(([does, keys]) => {
    const shown = Object.keys(keys).flatMap((key, place) => [place ? " " : "", element("kbd", {}, NAMES[key] ?? key)]);
    return element("tr", {}, element("th", { scope: "row" }, ...shown), element("td", {}, does));
  });
  openDialog("Keys", element("table", {}, element("tbody", {}, ...lines)));
}
