import { element, openDialog } from "./dom.js";

/** Ask for a note, which replaces the present one. */
export function askNote(note, send) {
  const field = element("textarea", { rows: 4, maxlength: 2000, "aria-label": "Note" });
  const store = element("button", { type: "button" }, "Store (ctrl-Enter)");
  const dialog = openDialog("Note", field, store);
  const end = () => {
    dialog.close();
    send(field.value.trim());
  };
  field.value = note;
  store.addEventListener("click", end);
  field.addEventListener("keydown", (event) => event.ctrlKey && event.key === "Enter" && end());
  field.focus();
}
