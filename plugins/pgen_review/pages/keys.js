import { byId, element, openDialog } from "./dom.js";

const NAMES = { " ": "space", Escape: "Esc", "Ctrl+Enter": "ctrl-Enter" };
const TYPING = "select, textarea, input:not([type=range], [type=checkbox])";
/** What the space bar presses instead of playing. */
const PRESSED = "button:not(#items button), summary, input[type=checkbox]";
/** What acts while text is typed too. */
const LEAVES = ["Escape", "Ctrl+Enter"];

/** Bind keys by a table of rows: what they do, and the function of each. The help is made from the same table. */
export function bind(table) {
  const rows = [...table, ["these keys", { "?": () => help(rows) }]];
  const actions = new Map(rows.flatMap(([, keys]) => Object.entries(keys)));
  byId("help").addEventListener("click", () => help(rows));
  window.addEventListener("keydown", (event) => {
    const { target } = event;
    const key = `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.key}`;
    const typing = target.matches(TYPING);
    if (typing && key === "Escape" && !target.closest("#editor")) target.blur();
    if (event.altKey || document.querySelector("dialog[open]") || !actions.has(key)) return;
    if (typing && !LEAVES.includes(key)) return;
    if (key === " " && target.matches(PRESSED)) return;
    event.preventDefault();
    actions.get(key)();
  });
}

function help(rows) {
  const lines = rows.map(([does, keys]) => {
    const shown = Object.keys(keys).flatMap((key, place) => [place ? " " : "", element("kbd", {}, NAMES[key] ?? key)]);
    return element("tr", {}, element("th", { scope: "row" }, ...shown), element("td", {}, does));
  });
  openDialog("Keys", element("table", {}, element("tbody", {}, ...lines)));
}
