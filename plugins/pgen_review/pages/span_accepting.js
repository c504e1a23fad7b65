import { byId, number } from "./dom.js";
import { left } from "./progress.js";

/** Accepts spans of a segmentation without dialogue: the one at the playhead, or all of the episode. */
export class SpanAccepting {
  constructor(editing, spans) {
    Object.assign(this, { editing, page: editing.page, spans });
    byId("accept-span").addEventListener("click", () => this.one());
    byId("accept-spans").addEventListener("click", () => this.all());
  }

  /** The rows of the table of keys. */
  get keys() {
    return [
      ["accept the span, and go to the next open one", { a: () => this.one() }],
      ["accept all spans of the episode, and go to the next in the queue", { A: () => this.all() }],
    ];
  }

  one() {
    return this.editing.inTurn(() => this.accept([this.spans.place]));
  }

  all() {
    return this.editing.inTurn(() => this.accept([...this.spans.spans.keys()]));
  }

  /** Record the acceptance of spans by their places, then show the next open span, or the next open episode. */
  async accept(places) {
    const { editing, page, spans } = this;
    const { episode } = page;
    const accepted = places.map((place) => spans.spans[place]);
    await spans.send({ kind: "accept_spans", spans: accepted.map(spans.plain) });
    const { counts } = editing.journal;
    // The spans may have been loaded again meanwhile.
    const names = new Set(accepted.map((span) => JSON.stringify(spans.plain(span))));
    for (const span of spans.spans.filter((span) => span.review === "open" && names.has(JSON.stringify(spans.plain(span))))) {
      span.review = "accepted";
      counts.open -= 1;
      counts.accepted += 1;
    }
    page.redraw([]);
    spans.draw(spans.spans);
    spans.say(`accepted, ${number(left(counts))} left`);
    editing.count();
    const next = spans.spans.find(({ review, start }) => review === "open" && start > accepted.at(-1).start) ?? spans.spans.find(({ review }) => review === "open");
    if (next) page.go(next.start);
    else await page.next({ id: episode.item });
  }
}
