import { byId, element, openDialog } from "./dom.js";

/** Bind keys by a table of rows: what they do, and the function of each. The help is made from the same table. */
export function bind(table) {
  const rows = [...table, ["these keys", { "?": () => help(rows) }]];
  const actions = new Map(rows.flatMap(([, keys]) => Object.entries(keys)));
  byId("help").addEventListener("click", () => help(rows));
  window.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const typing = target.matches("select, input:not([type=range], [type=checkbox])");
    if (typing && key === "Escape") target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (!actions.has(key) || (key === " " && target.matches("button, summary, input[type=checkbox]"))) return;
    event.preventDefault();
    actions.get(key)();
  });
}

function help(rows) {
  const lines = rows.map(([does, keys]) => {
    const shown = Object.keys(keys).flatMap((key, place) => [place ? " " : "", element("kbd", {}, key === " " ? "space" : key)]);
    return element("tr", {}, element("th", { scope: "row" }, ...shown), element("td", {}, does));
  });
  openDialog("Keys", element("table", {}, element("tbody", {}, ...lines)));
}
