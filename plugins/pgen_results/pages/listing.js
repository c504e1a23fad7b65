
/** The most cards of a page, and the most episodes. */
const PAGE = 48;
const EPISODES = 6;

/** Shows matching entries page by page. A page holds whole episodes as far as they fit; in an order that is not that of
 * the episodes, it holds cards alone. `head(episode, entries)` draws what stands above the cards of an episode. */
class Listing {
  constructor(total, card, head) {
    Object.assign(this, { total, card, head, matches: [], pages: [], page: 0, current: -1, flat: false });
    this.count = document.getElementById("count");
    this.chooser = document.getElementById("page");
    this.more = document.getElementById("more");
    this.steps = ["back", "forward"].map((id) => document.getElementById(id));
    this.steps[0].addEventListener("click", () => this.turn(this.page - 1));
    this.steps[1].addEventListener("click", () => this.turn(this.page + 1));
    this.more.addEventListener("click", () => this.turn(this.page + 1));
    this.chooser.addEventListener("change", () => this.turn(this.chooser.selectedIndex));
  }

  set(matches, flat) {
    Object.assign(this, { matches, flat, pages: flat ? evenPages(0, matches.length) : episodePages(matches), current: -1 });
    this.count.textContent = `${number(matches.length)} of ${number(this.total)}`;
    this.chooser.replaceChildren(...this.pages.map(([from], at) => element("option", { value: at }, this.label(from, at))));
    this.show(0);
  }

  label(from, at) {
    if (this.flat) return `${number(at + 1)} of ${number(this.pages.length)}`;
    const { episode, when } = this.matches[from];
    const starts = from === 0 || this.matches[from - 1].episode !== episode;
    return `${number(at + 1)}: ${episode.id}${starts ? "" : `, ${when()}`}`;
  }

  /** Show another page from its beginning. */
  turn(page) {
    this.show(page);
    this.select(this.pages[this.page]?.[0] ?? -1, false);
    list.scrollIntoView({ block: "start" });
  }

  show(page) {
    this.page = Math.max(0, Math.min(page, this.pages.length - 1));
    const [from, to] = this.pages[this.page] ?? [0, 0];
    this.first = from;
    this.cards = [];
    const sections = [];
    for (let at = from; at < to; ) {
      let end = at + 1;
      while (end < to && (this.flat || this.matches[end].episode === this.matches[at].episode)) end += 1;
      sections.push(this.section(at, end));
      at = end;
    }
    list.replaceChildren(...sections);
    this.chooser.selectedIndex = this.page;
    const last = this.page >= this.pages.length - 1;
    this.steps[0].disabled = this.page === 0;
    this.steps[1].disabled = last;
    this.more.hidden = last;
    this.chooser.hidden = this.pages.length < 2;
    for (const step of this.steps) step.hidden = this.pages.length < 2;
    this.mark();
  }

  /** Mark the card of the current entry, if it is on this page. */
  mark() {
    const card = this.cards[this.current - this.first];
    card?.setAttribute("aria-current", "true");
    if (card) pointAt(this.matches[this.current]);
    return card;
  }

  section(from, to) {
    const cards = this.matches.slice(from, to).map((entry) => this.card(entry, this.flat));
    this.cards.push(...cards);
    const grid = element("div", { class: "cards" }, ...cards.filter(Boolean));
    if (this.flat) return element("section", { class: "episode" }, grid);
    const { episode } = this.matches[from];
    const title = element("h3", {}, text("span", { class: "id" }, episode.id), text("span", {}, episode.task ?? ""));
    return element("section", { class: "episode" }, title, this.head(episode, this.ofEpisode(from)), grid);
  }

  /** Return the matching entries of the episode of an entry, also those of other pages. */
  ofEpisode(at) {
    const other = (position) => this.matches[position]?.episode !== this.matches[at].episode;
    let [from, to] = [at, at + 1];
    while (!other(from - 1)) from -= 1;
    while (!other(to)) to += 1;
    return this.matches.slice(from, to);
  }

  /** Make an entry the current one; its card is scrolled into view and focused if it is to be shown. */
  select(at, shown = true) {
    this.cards[this.current - this.first]?.removeAttribute("aria-current");
    this.current = at;
    if (at < 0) return;
    if (at < this.first || at >= this.pages[this.page][1]) this.show(this.pages.findIndex(([, to]) => at < to));
    const card = this.mark();
    if (card && shown) {
      card.focus({ preventScroll: true });
      card.scrollIntoView({ block: "nearest" });
    }
    this.onSelect?.(this.matches[at]);
  }

  /** Select the next entry in a direction for which `wanted` holds; return whether there is one. */
  step(direction, wanted = () => true) {
    const { matches, current } = this;
    let at = current < 0 ? (direction > 0 ? this.first : -1) : current + direction;
    while (at >= 0 && at < matches.length && !wanted(matches[at])) at += direction;
    if (at < 0 || at >= matches.length) return false;
    this.select(at);
    return true;
  }
}

function evenPages(from, to) {
  const pages = [];
  for (let start = from; start < to; start += PAGE) pages.push([start, Math.min(to, start + PAGE)]);
  return pages;
}

function episodePages(matches) {
  const pages = [];
  let episodes = EPISODES;
  for (let from = 0, to = 0; from < matches.length; from = to) {
    while (to < matches.length && matches[to].episode === matches[from].episode) to += 1;
    const last = pages.at(-1);
    if (last && episodes < EPISODES && to - last[0] <= PAGE) {
      last[1] = to;
      episodes += 1;
    } else {
      pages.push(...evenPages(from, to));
      episodes = 1;
    }
  }
  return pages;
}
