const SVG = "http://www.w3.org/2000/svg";

/** The marks of what a person decided, which differ in their shape. */
export const MARKS = { open: "□", accepted: "■", edited: "◆", rejected: "⊘", stale: "⟳" };

export const byId = (id) => document.getElementById(id);

/** Return an element with attributes and children; text is never parsed as HTML. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Return an element of text that may be of any language. */
export function text(name, attributes, value) {
  return element(name, { dir: "auto", ...attributes }, value);
}

/** Return what the user or the robot says. */
export function speech(speaker, value) {
  return element("p", { class: `speech ${speaker}` }, element("b", {}, speaker), text("span", {}, value));
}

export function words(type) {
  return type.replaceAll("_", " ");
}

export function number(count) {
  return count.toLocaleString("en");
}

/** Show a dialog with a heading and a button to close it, and return it; Escape closes it too. */
export function openDialog(heading, ...content) {
  const close = element("button", { type: "button" }, "Close");
  const dialog = element("dialog", { "aria-label": heading }, element("h2", {}, heading), ...content, close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Call `changed` once, when it was not called again for some milliseconds. */
export function debounced(changed, wait) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(changed, wait);
  };
}
