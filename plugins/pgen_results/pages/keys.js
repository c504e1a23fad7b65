
const KEYS = [
  ["/", "search"],
  ["j, k", "next, previous"],
  ["n, N", "next, previous problem"],
  ["Enter", "images of the current one"],
  ["arrow keys", "move within a timeline"],
  ["Esc", "leave the search, close"],
  ["?", "this help"],
];

/** A page whose state is in its address: its filters, its order, and the position of the current entry.
 * `placeOf(entry)` gives the position of an entry as parameters, `problem(entry)` whether `n` stops at it. */
class View {
  constructor(filters, listing, { sorts, placeOf, problem }) {
    Object.assign(this, { filters, listing, sorts, placeOf, problem, order: document.getElementById("sort") });
    this.order.append(...Object.keys(sorts).map((name) => element("option", { value: name }, sorts[name].label)));
    const refresh = () => this.apply(true);
    for (const { select } of filters.facets) {
      select.addEventListener("change", () => {
        filters.facets.find((facet) => facet.select === select).value = select.value;
        refresh();
      });
    }
    this.order.addEventListener("change", refresh);
    filters.search.addEventListener("input", debounced(refresh, 150));
    filters.clear.addEventListener("click", () => (window.location.hash = "all="));
    document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("help").addEventListener("click", showHelp);
    listing.onSelect = (entry) => this.selected(entry);
    window.addEventListener("hashchange", () => this.read());
    window.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("resize", debounced(() => this.resized(), 200));
    this.width = window.innerWidth;
  }

  get parameters() {
    const { filters } = this;
    const pairs = filters.active.map((facet) => [facet.id, facet.value]);
    if (filters.search.value.trim()) pairs.push(["q", filters.search.value.trim()]);
    if (this.order.selectedIndex > 0) pairs.push(["sort", this.order.value]);
    return pairs;
  }

  /** Return the address of an entry within the present filters, or without them. */
  link(entry, filtered = true) {
    return `#${new URLSearchParams([...(filtered ? this.parameters : []), ...this.placeOf(entry)])}`;
  }

  apply(write) {
    const { sort } = this.sorts[this.order.value];
    const matches = this.filters.matches();
    this.listing.set(sort ? matches.sort(sort) : matches, Boolean(sort));
    if (write) this.write(this.parameters);
  }

  write(pairs) {
    this.written = pairs.length ? `#${new URLSearchParams(pairs)}` : "#all=";
    if (window.location.hash !== this.written && (pairs.length || window.location.hash)) {
      window.history.replaceState(null, "", this.written);
    }
  }

  /** Take the state from the address. One without parameters is a heading of the page. */
  read(first = false) {
    const { hash } = window.location;
    if (hash === this.written) return;
    if (first && !hash.includes("=")) {
      this.apply(false);
      return;
    }
    if (hash && !hash.includes("=")) return;
    this.written = hash;
    const state = new URLSearchParams(hash.slice(1));
    for (const facet of this.filters.facets) facet.value = state.get(facet.id) ?? "";
    this.filters.search.value = state.get("q") ?? "";
    this.order.value = state.get("sort") ?? "";
    if (this.order.selectedIndex < 0) this.order.selectedIndex = 0;
    this.apply(false);
    const at = this.find(state);
    if (at >= 0) this.listing.select(at);
    else if (hash) document.getElementById("episodes").scrollIntoView();
  }

  /** Return the position of the entry that fits most of the parameters of a place, its episode at least. */
  find(state) {
    if (!state.has("ep")) return -1;
    const fit = (entry) => {
      const place = this.placeOf(entry);
      const miss = place.findIndex(([key, value]) => state.get(key) !== String(value));
      return miss < 0 ? place.length : miss;
    };
    let [best, at] = [0, -1];
    this.listing.matches.forEach((entry, position) => {
      const own = fit(entry);
      if (own > best) [best, at] = [own, position];
    });
    return at;
  }

  selected(entry) {
    this.write([...this.parameters, ...this.placeOf(entry)]);
  }

  resized() {
    if (window.innerWidth === this.width) return;
    this.width = window.innerWidth;
    Timeline.available = null;
    this.listing.show(this.listing.page);
  }

  key(event) {
    const typing = event.target.matches("input");
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const actions = {
      "/": () => this.filters.search.focus(),
      "?": showHelp,
      j: () => this.listing.step(1),
      k: () => this.listing.step(-1),
      n: () => this.listing.step(1, this.problem),
      N: () => this.listing.step(-1, this.problem),
      Enter: () => event.target.matches("[aria-current]") && event.target.querySelector(".image")?.click(),
    };
    if (!Object.hasOwn(actions, event.key) || (event.key === "Enter" && !event.target.matches("[aria-current]"))) return;
    event.preventDefault();
    actions[event.key]();
  }
}

function showHelp() {
  const rows = KEYS.map(([key, does]) => element("tr", {}, element("th", { scope: "row" }, element("kbd", {}, key)), element("td", {}, does)));
  openDialog("help", "Keys", element("table", {}, element("tbody", {}, ...rows)));
}
