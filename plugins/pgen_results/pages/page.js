"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const HUES = 8;
const list = document.getElementById("list");

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

function thumbnail(number) {
  if (number === undefined || number === null) return null;
  const source = `data:image/jpeg;base64,${data.thumbnails[number]}`;
  return element("img", { src: source, alt: "", width: 208, height: 156, decoding: "async" });
}

function speech(speaker, text) {
  return element("p", { class: `speech ${speaker}` }, element("b", {}, speaker), element("span", { dir: "auto" }, text));
}

/** Draw the skills of an episode as a strip `top` pixels below the edge; `at` gives the position of a time on it,
 * `block` draws a labelled part of the time, `format` writes a time. */
function strip(episode, format, height, top = 0) {
  const length = episode.end - episode.start || 1;
  const at = (time) => `${((100 * (time - episode.start)) / length).toFixed(3)}%`;
  const svg = drawn("svg", { class: "timeline", width: "100%", height, role: "img", "aria-label": "The skills of the episode" });
  const block = (name, [start, end], y, tall, text, tip) => {
    const width = `${((100 * (end - start)) / length).toFixed(3)}%`;
    const box = drawn("rect", { class: name, width: "100%", height: tall, rx: 3 });
    const label = drawn("text", { x: 7, y: tall / 2 + 4 }, text);
    svg.append(drawn("svg", { x: at(start), y, width, height: tall }, box, label, drawn("title", {}, tip)));
  };
  for (const [skill, start, end] of episode.spans) {
    const name = data.skills[skill];
    block(`hue${skill % HUES}`, [start, end], top, 24, name, `${name}, ${format(start)} to ${format(end)}`);
  }
  return { svg, at, block };
}

/** Shows the matching entries, `batch` at a time: `show(entry)` adds an entry, `clear()` removes all. */
class Listing {
  constructor(entries, batch, show, clear) {
    Object.assign(this, { entries, batch, show, clear, matches: entries, visible: 0 });
    this.more = document.getElementById("more");
    this.count = document.getElementById("count");
    this.more.addEventListener("click", () => this.next());
  }

  filter(fits) {
    this.matches = this.entries.filter(fits);
    this.visible = 0;
    this.clear();
    this.next();
  }

  next() {
    for (const entry of this.matches.slice(this.visible, this.visible + this.batch)) this.show(entry);
    this.visible = Math.min(this.matches.length, this.visible + this.batch);
    const hidden = this.matches.length - this.visible;
    this.more.hidden = hidden === 0;
    this.more.textContent = `Show more (${hidden.toLocaleString("en")} left)`;
    this.count.textContent = `${this.matches.length.toLocaleString("en")} of ${this.entries.length.toLocaleString("en")}`;
  }
}

/** Shows entries under a section per episode: `summary(episode)` draws its skills, `card(entry)` an entry, if it has a card. */
function episodeListing(entries, summary, card) {
  let current = null;
  const begin = (episode) => {
    const head = element("h3", {}, element("span", { class: "id" }, episode.id), element("span", { dir: "auto" }, episode.task));
    const grid = element("div", { class: "cards" });
    list.append(element("section", { class: "episode" }, head, summary(episode), grid));
    return { episode, grid };
  };
  const show = (entry) => {
    if (current?.episode !== entry.episode) current = begin(entry.episode);
    current.grid.append(...[card(entry)].filter(Boolean));
  };
  return new Listing(entries, 48, show, () => {
    current = null;
    list.replaceChildren();
  });
}

/** Call `changed` with the words of the search whenever a control changes. */
function controls(changed) {
  const form = document.getElementById("controls");
  const search = document.getElementById("search");
  const update = () => changed(search.value.toLowerCase().split(/\s+/).filter(Boolean));
  search.addEventListener("input", update);
  for (const select of form.querySelectorAll("select")) select.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
}

function options(id, values) {
  const select = document.getElementById(id);
  for (const [value, label] of values) select.append(element("option", { value }, label));
  return select;
}
