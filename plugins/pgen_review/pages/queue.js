import { get } from "./api.js";
import { MARKS, byId, debounced, element, number, text, words } from "./dom.js";

const LABELS = { review: "review", sample: "sample", problem: "problem", state: "state", finding: "finding", judge: "judge", type: "types", scenario: "scenario", response: "response", scope: "scope", skill: "skill", task: "task" };
const ANY = "";

/** The samples that fit the filters, in pages; filters and order are a part of the address. */
export class Queue {
  constructor({ facets, sorts, review }, onChoose, onFilter) {
    Object.assign(this, { unit: review.segmentation ? "episodes" : "samples", onChoose, onFilter, items: [], places: new Map(), followed: new Map(), at: -1, total: 0, query: "" });
    this.list = byId("items");
    this.selects = Object.entries(facets).map(([name, values]) => select(name, values));
    byId("facets").replaceChildren(...this.selects.map((made) => element("label", {}, LABELS[made.name] ?? made.name, made)));
    byId("sort").replaceChildren(...[...byId("sort").options].filter(({ value }) => sorts.includes(value)));
    const refresh = () => this.load().then(() => this.onFilter());
    for (const made of [...this.selects, byId("sort")]) made.addEventListener("change", refresh);
    byId("search").addEventListener("input", debounced(refresh, 150));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => {
      this.set(new URLSearchParams());
      refresh();
    });
    byId("more").addEventListener("click", () => this.extend());
    this.list.addEventListener("scroll", () => {
      if (this.list.scrollTop + 2 * this.list.clientHeight > this.list.scrollHeight) this.extend();
    });
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("button");
      if (item) this.choose([...this.list.children].indexOf(item.parentElement));
    });
  }

  /** The filters and the order as parameters of an address. */
  get parameters() {
    const pairs = this.selects.filter(({ value }) => value !== ANY).map(({ name, value }) => [name, value]);
    if (byId("search").value.trim()) pairs.push(["q", byId("search").value.trim()]);
    if (byId("sort").selectedIndex > 0) pairs.push(["sort", byId("sort").value]);
    return pairs;
  }

  set(state) {
    for (const made of this.selects) {
      made.value = state.get(made.name) ?? ANY;
      if (made.selectedIndex < 0) made.value = ANY;
    }
    byId("search").value = state.get("q") ?? "";
    byId("sort").value = state.get("sort");
    byId("sort").selectedIndex = Math.max(byId("sort").selectedIndex, 0);
  }

  /** Load the first page for the present filters; of several calls at once, the last counts. */
  async load() {
    const query = new URLSearchParams(this.parameters).toString();
    this.query = query;
    const { total, items } = await get(`/api/queue?${query}`);
    if (this.query !== query) return;
    Object.assign(this, { items: [], places: new Map(), at: -1, total });
    this.list.replaceChildren();
    this.append(items);
  }

  async extend() {
    if (!this.items.length || this.items.length >= this.total) return;
    const after = this.items.at(-1).id;
    const { query } = this;
    const { items } = await get(`/api/queue?${query}&after=${after}`);
    if (this.query === query && this.items.at(-1).id === after) this.append(items);
  }

  append(items) {
    items.forEach(({ id }, place) => this.places.set(id, this.items.length + place));
    this.items.push(...items);
    this.list.append(...items.map(row));
    byId("more").hidden = this.items.length >= this.total;
    const set = this.selects.filter(({ value }) => value !== ANY).length;
    byId("set").textContent = set ? `(${set} set)` : "";
    byId("count").textContent = `${number(this.total)} ${this.unit}`;
  }

  /** Choose the next or the previous sample. */
  async step(by) {
    const at = this.at < 0 ? 0 : this.at + by;
    if (at >= this.items.length && this.items.length < this.total) await this.extend();
    if (at >= 0 && at < this.items.length) this.choose(at);
  }

  choose(at) {
    this.mark(at);
    this.list.children[at].scrollIntoView({ block: "nearest" });
    return this.onChoose(this.items[at]);
  }

  /** Choose and focus the next sample after one that nobody has decided on; return whether that one is listed. */
  async next(id) {
    const from = this.places.get(id) ?? -1;
    for (let at = from + 1; from >= 0; at++) {
      if (at >= this.items.length) await this.extend();
      if (at >= this.items.length) break;
      if (!["open", "stale"].includes(this.items[at].review)) continue;
      await this.choose(at);
      this.list.children[at].firstChild.focus();
      break;
    }
    return from >= 0;
  }

  /** Show the present states of the samples of an episode that was shown before; if it has others now, list all again. */
  async follow({ index, samples }) {
    const numbers = samples.map(({ id }) => id).join();
    const before = this.followed.get(index);
    this.followed.set(index, numbers);
    if (before === undefined) return;
    if (before !== numbers) await this.listAgain();
    else for (const { id, user, review } of samples) if (review) this.update(id, { ...review, user });
  }

  /** Load the first page again; the current sample stays the current one, if it is listed. */
  async listAgain() {
    const focused = this.list.contains(document.activeElement);
    const current = this.items[this.at]?.id;
    await this.load();
    this.find(current);
    if (focused) this.focus();
  }

  /** Focus the current sample, or the first one. */
  focus() {
    this.list.children[Math.max(this.at, 0)]?.firstChild.focus();
  }

  /** Show the present state of a sample, if it is listed. */
  update(id, { state, flagged, conflict, user }) {
    const at = this.places.get(id);
    if (at === undefined) return;
    const item = this.items[at];
    Object.assign(item, { review: state, flagged, conflict: conflict.length > 0, text: user ?? item.text });
    const [old, made] = [this.list.children[at].firstChild, row(item).firstChild];
    if (at === this.at) made.setAttribute("aria-current", "true");
    const focused = document.activeElement === old;
    old.replaceWith(made);
    if (focused) made.focus();
  }

  /** Mark the sample with this number as the current one, if it is listed. */
  find(id) {
    if (this.places.has(id)) this.mark(this.places.get(id));
  }

  mark(at) {
    this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    this.at = at;
    this.list.children[at]?.firstChild.setAttribute("aria-current", "true");
  }
}

function select(name, values) {
  const options = values.map(([value, count]) => element("option", { value }, `${words(value)} (${number(count)})`));
  return element("select", { name }, element("option", { value: ANY }, "any"), ...options);
}

function row({ ep, frame, text: title, marks, review, flagged, conflict }) {
  const noted = [flagged && ["flagged", "⚑"], conflict && ["conflict", "≠"]].filter(Boolean);
  const label = [review, ...noted.map(([name]) => name)].join(", ");
  const state = review && element("span", { class: "state", role: "img", "aria-label": label }, MARKS[review] + noted.map(([, mark]) => mark).join(""));
  const where = ` ep ${ep}, frame ${frame}${marks.length ? `: ${marks.map(words).join(", ")}` : ""}`;
  return element("li", {}, element("button", { type: "button" }, text("span", {}, title), element("span", { class: "quiet" }, state, where)));
}
