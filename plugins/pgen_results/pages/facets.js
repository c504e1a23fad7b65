
/** A filter: a select of the values that entries have, each with the number of entries that choosing it leaves.
 * `values(entry)` gives the keys of an entry, `options` pairs of key and label in their order. */
class Facet {
  constructor(id, any, entries, values, options) {
    const numbers = new Map(options.map(([key], place) => [String(key), place]));
    this.of = entries.map((entry) => values(entry).map((key) => numbers.get(String(key))));
    this.counts = new Int32Array(options.length);
    for (let at = 0; at < entries.length; at += 1) this.count(at);
    Object.assign(this, { id, any, numbers, keys: [...numbers.keys()], selected: -1, entries: entries.length });
    this.select = element("select", { id, "aria-label": any }, element("option", { value: "" }, any));
    this.labels = options.map(([key, label], place) => ({ label, shown: element("option", { value: key }), place }));
    this.labels = this.labels.filter(({ place }) => this.counts[place]);
    this.select.append(...this.labels.map(({ shown }) => shown));
    this.show();
  }

  get usable() {
    return this.labels.length > 1 || (this.labels.length === 1 && this.counts[this.labels[0].place] < this.entries);
  }

  get value() {
    return this.select.value;
  }

  set value(key) {
    this.selected = this.numbers.get(key) ?? -1;
    this.select.value = key;
    if (this.select.selectedIndex < 0) this.select.value = "";
    this.select.classList.toggle("set", this.select.value !== "");
  }

  fits(at) {
    return this.of[at].includes(this.selected);
  }

  count(at) {
    for (const place of this.of[at]) this.counts[place] += 1;
  }

  /** Write the counts into the options whose count changed. */
  show() {
    for (const option of this.labels) {
      const count = this.counts[option.place];
      if (option.count !== count) option.shown.textContent = `${option.label} (${number(count)})`;
      option.count = count;
    }
  }
}

/** All filters of a page, with the search. An entry has `text()`: what is searched, in lower case. */
class Filters {
  constructor(entries, facets) {
    Object.assign(this, { entries, facets, search: document.getElementById("search") });
    const place = document.getElementById("facets");
    place.append(...facets.filter((facet) => facet.usable).map((facet) => facet.select));
    this.clear = element("button", { type: "button", id: "clear" }, "Clear");
    place.append(this.clear);
    this.toggle = document.getElementById("filters");
    this.toggle.addEventListener("click", () => this.open(place.classList.toggle("open")));
    this.prepare(0);
  }

  /** Prepare the search while nothing else is to be done. */
  prepare(from) {
    const to = Math.min(this.entries.length, from + 500);
    window.requestIdleCallback(() => {
      for (let at = from; at < to; at += 1) this.searchable(this.entries[at], []);
      if (to < this.entries.length) this.prepare(to);
    });
  }

  open(opened) {
    this.toggle.setAttribute("aria-expanded", opened);
  }

  get active() {
    return this.facets.filter((facet) => facet.selected >= 0);
  }

  /** Return the entries that fit every filter and every word of the search, and count those of each option. */
  matches() {
    const { active, facets, entries } = this;
    const searched = searchedWords(this.search.value);
    pattern = patternOf(searched);
    for (const facet of facets) facet.counts.fill(0);
    const found = entries.filter((entry, at) => {
      let missed = null;
      for (const facet of active) {
        if (facet.fits(at)) continue;
        if (missed) return false;
        missed = facet;
      }
      if (searched.length && !this.searchable(entry, searched)) return false;
      // The options of a filter are counted as if it were not set, so that each shows what choosing it would leave.
      if (missed) missed.count(at);
      else for (const facet of facets) facet.count(at);
      return missed === null;
    });
    for (const facet of facets) facet.show();
    const set = active.length + (searched.length > 0);
    this.clear.hidden = set === 0;
    this.toggle.textContent = active.length ? `Filters (${active.length})` : "Filters";
    return found;
  }

  searchable(entry, searched) {
    entry.lower ??= entry.text().toLowerCase();
    return searched.every((word) => entry.lower.includes(word));
  }
}
