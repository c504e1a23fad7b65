"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const HUES = 8;
const list = document.getElementById("list");
/** What is searched for, as an expression with one group; null for nothing. */
let pattern = null;

/** Return an element with attributes and children; text is never parsed as HTML. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function words(type) {
  return type.replaceAll("_", " ");
}

function number(count) {
  return count.toLocaleString("en");
}

function seconds(time) {
  return `${time.toFixed(2)} s`;
}

function searchedWords(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

/** Return the expression that finds any of the words. */
function patternOf(searched) {
  const escaped = searched.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return searched.length ? new RegExp(`(${escaped.join("|")})`, "gi") : null;
}

/** Return a text element of untrusted text, in which what is searched for is marked. */
function text(name, attributes, value) {
  const parts = pattern ? value.split(pattern).map((part, place) => (place % 2 ? element("mark", {}, part) : part)) : [value];
  return element(name, { dir: "auto", ...attributes }, ...parts);
}

function speech(speaker, value) {
  return element("p", { class: `speech ${speaker}` }, element("b", {}, speaker), text("span", {}, value));
}

function chip(value, attributes = {}) {
  return text("span", { class: "chip", ...attributes }, value);
}

/** Return what was found: its severity and the code in words, and why. */
function finding(severity, what, why) {
  return element("p", { class: `finding ${severity}` }, element("b", {}, `${severity}: ${what}`), text("span", {}, why));
}

/** Return why there is no dialogue, and what checks found. */
function problems(failure, checks) {
  const found = checks.map(([code, reason]) => finding(data.codes[code][1], data.codes[code][0], reason));
  if (!failure) return found;
  const [stage, reason] = failure;
  const scene = stage === "scene";
  return [scene ? finding("error", "the images contradict the labels", `to be seen: ${reason}`) : finding("failed", words(stage), reason), ...found];
}

function picture(base64, alt, size = {}) {
  return element("img", { src: `data:image/jpeg;base64,${base64}`, alt, decoding: "async", ...size });
}

/** Return a small image as a button that shows all images of its moment, or null where there is none. */
function thumbnail(place, caption) {
  if (place === undefined || place === null) return null;
  const button = element("button", { type: "button", class: "image", title: "Show all cameras" });
  button.append(picture(data.thumbnails[place], `First camera, ${caption}`, { width: 208, height: 156 }));
  button.addEventListener("click", () => showImages(place, caption));
  return button;
}

function showImages(place, caption) {
  data.large ??= JSON.parse(document.getElementById("large").textContent);
  const large = data.large[place] ?? [];
  const images = large.length ? large : [["first camera; the page has no larger image of this moment", data.thumbnails[place]]];
  const figures = images.map(([camera, jpeg]) => element("figure", {}, picture(jpeg, camera), text("figcaption", {}, camera)));
  openDialog("cameras", caption, ...figures);
}

/** Show a dialog with a heading and a button to close it; Escape closes it too. */
function openDialog(name, heading, ...content) {
  const close = element("button", { type: "button" }, "Close");
  const dialog = element("dialog", { class: name, "aria-label": heading }, element("h2", { dir: "auto" }, heading), element("div", { class: "content" }, ...content), close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Call `changed` once, when it was not called again for some milliseconds. */
function debounced(changed, wait) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(changed, wait);
  };
}
