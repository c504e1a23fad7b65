import { element, openDialog } from "./dom.js";

const REASONS = [
  "another action than the robot performs", "another object than the robot handles", "not to be seen in the images",
  "said too early or too late", "the answer does not fit the prompt", "nobody would say it like this",
  "too vague to lead to one action", "repeats another dialogue", "the demonstration failed here",
];

/** Ask for the reason of a rejection: a number, or other words. */
export function askReason(send) {
  const { field, list } = reasonField((reason) => {
    dialog.close();
    send(reason);
  });
  const dialog = openDialog("Reject, because …", field, list);
  field.focus();
}

/** Return a field for a reason with the list of the numbered ones; `choose` is called with one of them, or with Enter. */
export function reasonField(choose) {
  const field = element("input", { id: "reason", maxlength: 500, "aria-label": "Reason: a number, or your own words", placeholder: "1 to 9, or your own words" });
  const list = element("ol", {}, ...REASONS.map((reason) => element("li", {}, element("button", { type: "button" }, reason))));
  list.addEventListener("click", ({ target }) => target.matches("button") && choose(target.textContent));
  field.addEventListener("keydown", (event) => {
    const reason = field.value === "" && REASONS[Number(event.key) - 1];
    if (reason) event.preventDefault();
    if (reason) choose(reason);
    else if (event.key === "Enter" && field.value.trim()) choose(field.value.trim());
  });
  return { field, list };
}
