import { byId, element, number, openDialog } from "./dom.js";
import { snapped } from "./snapping.js";
import { spansSideBySide } from "./span_conflict.js";
import { edgesOf, merge, moveEdge, placeOf, rename, split } from "./spans.js";
import { SpanAccepting } from "./span_accepting.js";
import { StaleDialogues } from "./stale.js";

/** Frames of a large step of an edge. */
const FAR = 10;

/** Edits the spans of the episode: the one under the playhead, and the edge that is selected. `editing` records events
 * in the order of the keys; `names` are those that complete a new one. */
export class SpanEditing {
  constructor(editing, names) {
    Object.assign(this, { editing, page: editing.page, names, withdrawn: new StaleDialogues(editing), numbers: new Map(), pending: null, chosen: null });
    if (editing.segments) this.accepting = new SpanAccepting(this.editing, this);
    const { timeline } = this.page;
    timeline.onEdge = ({ place, frame, exact }, ends) => this.drag(place, frame === null || exact ? frame : snapped(frame, this.page.episode.changes), ends);
    const buttons = { split: () => this.split(), merge: () => this.merge(), rename: () => this.rename() };
    for (const [name, action] of Object.entries(buttons)) byId(name).addEventListener("click", action);
  }

  /** The rows of the table of keys. */
  get keys() {
    return [
      ["split the span at this frame, merge it with the next one", { s: () => this.split(), x: () => this.merge() }],
      ["select the span at this frame", { t: () => this.select() }],
      ["rename the span", { Enter: () => this.rename() }],
      ["previous, next edge of a span", { "{": () => this.step(-1), "}": () => this.step(1) }],
      ["selected edge by a frame", { "Alt+ArrowLeft": () => this.move(-1), "Alt+ArrowRight": () => this.move(1) }],
      ["selected edge by ten frames", { "Alt+Shift+ArrowLeft": () => this.move(-FAR), "Alt+Shift+ArrowRight": () => this.move(FAR) }],
      ...(this.accepting ?? this.withdrawn).keys,
    ];
  }

  /** The present spans: what is not acknowledged yet, or those of the server. */
  get spans() {
    const { episode } = this.page;
    return this.pending?.index === episode.index && this.editing.journal.unsaved ? this.pending.spans : episode.spans;
  }

  get place() {
    const place = placeOf(this.spans, this.page.frame);
    if (place < 0) throw new Error("No skill goes on at this frame.");
    return place;
  }

  /** Record a list of spans, and show it before the server has acknowledged it. */
  async record(spans, done) {
    const { editing, page } = this;
    const { episode } = page;
    if (JSON.stringify(spans) === JSON.stringify(this.spans)) throw new Error("The spans cannot be edited like that: each has at least a frame, and ends before the next one.");
    const before = new Set(this.spans.map((span) => JSON.stringify(this.plain(span))));
    const shown = editing.segments ? spans.map((span) => before.has(JSON.stringify(this.plain(span))) ? span : { ...span, review: "edited" }) : spans;
    this.pending = { index: episode.index, spans: shown };
    await this.send({ kind: "spans", spans: spans.map(this.plain) });
    episode.spans = shown;
    page.redraw([]);
    this.draw(shown);
    this.say(done);
    editing.count();
  }

  /** Send an event about the spans of the episode. */
  async send(event) {
    const { editing, page: { episode } } = this;
    const base = Math.max(episode.edits, this.numbers.get(episode.index) ?? 0);
    editing.stale = true;
    await editing.journal.record([{ key: [episode.index, 0, "spans", 0], base, ...event }]);
  }

  /** Return a span as it is sent. */
  plain({ name, start, stop, failed = false }) {
    return { name, start, stop, failed };
  }

  /** Take over what the server stores of spans; return whether those of the episode are others now. */
  receive({ key: [index], n }) {
    this.numbers.set(index, n);
    return index === this.page.episode?.index && n !== this.page.episode.edits;
  }

  split() {
    return this.editing.inTurn(() => {
      const { frame } = this.page;
      const { name } = this.spans[this.place];
      return this.record(split(this.spans, frame), `split ${name} at frame ${number(frame)}`);
    });
  }

  merge() {
    return this.editing.inTurn(() => {
      const { spans, place } = this;
      if (place + 1 >= spans.length) throw new Error("The last span has no next one.");
      return this.record(merge(spans, place), `merged ${spans[place + 1].name} into ${spans[place].name}`);
    });
  }

  /** Ask for a name, which those of the dataset complete. */
  rename() {
    return this.editing.opened(() => {
      const { episode } = this.page;
      // Where a segmenter found no span, the name is that of all frames.
      const spans = this.spans.length ? this.spans : [{ name: "", start: 0, stop: episode.times.length }];
      const place = this.spans.length ? this.place : 0;
      const field = element("input", { id: "span-name", maxlength: 200, list: "skill-names", "aria-label": "Name of the skill" });
      const list = element("datalist", { id: "skill-names" }, ...this.names.map((value) => element("option", { value })));
      const dialog = openDialog("Rename the span", field, list);
      field.value = spans[place].name;
      field.select();
      field.addEventListener("keydown", (event) => {
        const name = field.value.replace(/\s+/gu, " ").trim();
        if (event.key !== "Enter" || !name) return;
        event.preventDefault();
        dialog.close();
        this.editing.inTurn(() => this.record(rename(spans, place, name), `renamed to ${name}`));
      });
      field.focus();
    });
  }

  /** Select the span at the playhead: the focus leaves what Enter would press. */
  select() {
    return this.editing.inTurn(() => {
      const { name, start, stop } = this.spans[this.place];
      byId("track").focus();
      this.say(`${name}, frames ${number(start)} to ${number(stop - 1)}`);
    });
  }

  /** Select the next or previous edge, and show its frame. */
  step(by) {
    return this.editing.inTurn(() => {
      const edges = edgesOf(this.spans);
      const { frame: here } = this.page;
      const at = this.chosen === null ? -1 : edges.findIndex(({ frame }) => frame === this.chosen);
      const next = by > 0 ? edges.find(({ frame }) => frame > here) : edges.findLast(({ frame }) => frame < here);
      const edge = at >= 0 ? edges[at + by] : next;
      if (edge) this.choose(edge);
    });
  }

  choose(edge) {
    const { spans } = this;
    this.chosen = edge.frame;
    byId("track").focus();
    this.page.go(edge.frame);
    this.draw(spans);
    const parts = [edge.left !== null && `end of ${spans[edge.left].name}`, edge.right !== null && `start of ${spans[edge.right].name}`];
    this.say(`${parts.filter(Boolean).join(", ")}: frame ${number(edge.frame)}`);
  }

  /** Move the selected edge, or the one that is nearest to the playhead. */
  move(by) {
    return this.editing.inTurn(async () => {
      const { spans } = this;
      const edges = edgesOf(spans);
      const { frame: here } = this.page;
      const nearest = () => edges.toSorted((a, b) => Math.abs(a.frame - here) - Math.abs(b.frame - here))[0];
      const edge = edges.find(({ frame }) => frame === this.chosen) ?? nearest();
      await this.put(edge, moveEdge(spans, edge, edge.frame + by, this.page.episode.times.length));
    });
  }

  async put(edge, spans) {
    const frame = edge.left === null ? spans[edge.right].start : spans[edge.left].stop;
    this.chosen = frame;
    await this.record(spans, `edge at frame ${number(frame)}`);
    this.page.go(frame);
  }

  /** Show an edge where it is dragged to, and record it once the drag ends; without a frame, it is selected. */
  drag(place, frame, ends) {
    this.dragged ??= { edge: edgesOf(this.spans)[place], spans: this.spans };
    const { edge, spans } = this.dragged;
    if (frame === null) {
      this.dragged = null;
      this.choose(edge);
      return;
    }
    const moved = moveEdge(spans, edge, frame, this.page.episode.times.length);
    this.chosen = edge.left === null ? moved[edge.right].start : moved[edge.left].stop;
    if (!ends) {
      this.page.go(this.chosen);
      this.draw(moved);
      return;
    }
    this.dragged = null;
    if (this.chosen === edge.frame) this.draw(spans);
    else this.editing.inTurn(() => this.put(edge, moved));
  }

  /** Show the spans of several people that differ, if the episode has any. */
  compare() {
    const { episode } = this.page;
    byId("span-conflict").replaceChildren(...spansSideBySide(episode.conflict, episode.times.length, (place) => this.take(place)));
  }

  /** Decide a conflict by the spans of one person. */
  take(place) {
    return this.editing.inTurn(async () => {
      const { episode } = this.page;
      const { spans, by, state } = episode.conflict[place];
      const kind = this.editing.segments && state !== "edited" ? "accept_spans" : "spans";
      await this.send({ kind, spans: spans.map(this.plain) });
      Object.assign(episode, { spans, conflict: [] });
      this.page.redraw([]);
      this.draw(spans);
      this.compare();
      this.say(state === "open" ? "the spans as they are now" : `the spans as by ${by}`);
      this.editing.count();
    });
  }

  draw(spans) {
    this.page.timeline.chosen = this.chosen;
    this.page.timeline.draw({ ...this.page.episode, spans });
  }

  say(done) {
    byId("edited").textContent = done;
  }
}
