"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const HUES = 8;

/** An element with attributes and children; text is only ever set as text. */
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

function picture(number) {
  if (number === undefined) return null;
  const source = `data:image/jpeg;base64,${data.thumbnails[number]}`;
  return element("img", { src: source, alt: "", width: 208, height: 156, decoding: "async" });
}

function said(who, text) {
  return element("p", { class: `said ${who}` }, element("b", {}, who), element("span", { dir: "auto" }, text));
}

/** The skills of an episode as a strip, and where on it a time lies; `told` says a time. */
function strip(episode, told, height) {
  const length = episode.end - episode.start || 1;
  const at = (time) => `${((100 * (time - episode.start)) / length).toFixed(3)}%`;
  const svg = drawn("svg", { class: "timeline", width: "100%", height, role: "img", "aria-label": "The skills of the episode" });
  for (const [skill, start, end] of episode.spans) {
    const width = `${((100 * (end - start)) / length).toFixed(3)}%`;
    const tip = drawn("title", {}, `${data.skills[skill]}, ${told(start)} to ${told(end)}`);
    const block = drawn("rect", { class: `hue${skill % HUES}`, width: "100%", height: 24, rx: 3 });
    svg.append(drawn("svg", { x: at(start), width, height: 24 }, block, drawn("text", { x: 7, y: 16 }, data.skills[skill]), tip));
  }
  return { svg, at };
}

/** Shows what of `entries` fits, `batch` at a time: `show(entry)` adds one, `clear()` removes all. */
class Listing {
  constructor(entries, batch, show, clear) {
    Object.assign(this, { entries, batch, show, clear, found: entries, shown: 0 });
    this.more = document.getElementById("more");
    this.count = document.getElementById("count");
    this.more.addEventListener("click", () => this.next());
  }

  filter(fits) {
    this.found = this.entries.filter(fits);
    this.shown = 0;
    this.clear();
    this.next();
  }

  next() {
    for (const entry of this.found.slice(this.shown, this.shown + this.batch)) this.show(entry);
    this.shown = Math.min(this.found.length, this.shown + this.batch);
    const left = this.found.length - this.shown;
    this.more.hidden = left === 0;
    this.more.textContent = `Show more (${left.toLocaleString("en")} left)`;
    this.count.textContent = `${this.found.length.toLocaleString("en")} of ${this.entries.length.toLocaleString("en")}`;
  }
}

/** Calls `changed` with the search's words whenever a control changes. */
function controls(changed) {
  const form = document.getElementById("controls");
  const search = document.getElementById("search");
  const told = () => changed(search.value.toLowerCase().split(/\s+/).filter(Boolean));
  search.addEventListener("input", told);
  for (const select of form.querySelectorAll("select")) select.addEventListener("change", told);
  form.addEventListener("submit", (event) => event.preventDefault());
  told();
}

function options(id, values) {
  const select = document.getElementById(id);
  for (const [value, label] of values) select.append(element("option", { value }, label));
  return select;
}
