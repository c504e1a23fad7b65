import { apply } from "./apply.js";
import { Asking } from "./asking.js";
import { eventsOf, preference } from "./conflict.js";
import { byId, number } from "./dom.js";
import { keysOf } from "./editing_keys.js";
import { Editor } from "./editor.js";
import { Journal } from "./journal.js";
import { askNote } from "./note.js";
import { openOutbox } from "./outbox.js";
import { left, showProgress } from "./progress.js";
import { askReason } from "./reasons.js";
import { snapped } from "./snapping.js";
import { SpanEditing } from "./span_editing.js";
import { placeOf } from "./spans.js";

/** Start editing, unless the server only reads. `page` has what the decisions act on: `sample(id)`, `episode`, `frame`,
 * `timeline`, `select`, `choose`, `go`, `next`, `redraw`, `reload` and `show` for messages. */
export async function openEditing(review, page) {
  document.body.classList.toggle("reads", !review?.journal || review.read_only);
  document.body.classList.toggle("compares", Boolean(review?.against));
  document.body.classList.toggle("segments", Boolean(review?.segmentation));
  byId("why").textContent = review?.why ?? "";
  if (!review?.journal || review.read_only) return null;
  return new Editing(review, page, await openOutbox(review.journal));
}

class Editing {
  constructor(review, page, outbox) {
    Object.assign(this, { page, outbox, turn: Promise.resolve(), stale: false, opening: false, numbers: new Map(), compares: Boolean(review.against), segments: Boolean(review.segmentation) });
    this.editor = new Editor(review.types, outbox, () => page.select(this.editor.sample), (place) => this.take(place));
    this.journal = new Journal(review, outbox, {
      states: (states, path) => this.receive(states, path),
      changed: () => this.count(),
      refused: (events, error) => this.refused(events, error),
    });
    const buttons = { accept: () => this.accept(), reject: () => this.reject(), keep: () => this.keep(), drop: () => this.drop(), flag: () => this.flag(), note: () => this.note(), begin: () => this.move("start"), end: () => this.move("stop"), undo: () => this.undo(), redo: () => this.redo(), ask: () => this.ask(), "ask-rejected": () => this.asking.askAll() };
    for (const [name, action] of Object.entries(buttons)) byId(name).addEventListener("click", action);
    Object.assign(byId("apply"), { disabled: !review.can_apply, onclick: () => apply(this.journal, page) });
    Object.assign(this, { asking: new Asking(this.journal.id, page.show), spans: new SpanEditing(this, review.skills) });
    // The form of a dialogue, in which they are, is not shown then.
    if (this.segments) byId("merge").parentElement.append(byId("undo"), byId("redo"));
    this.journal.flush();
  }

  get keys() {
    return keysOf(this);
  }

  show(sample) {
    this.editor.show(sample);
    this.spans.withdrawn.show();
    this.spans.compare();
    if (sample) this.asking.check();
  }

  /** Carry out an action after the ones before it, on the dialogue that is selected by then. */
  act(action) {
    return this.inTurn(() => this.editor.sample && action(this.editor.sample));
  }

  inTurn(action) {
    this.turn = this.turn.then(action).catch((error) => this.page.show(error));
    return this.turn;
  }

  /** Show a field or a dialog for the dialogue that is selected after the actions before it. */
  open(show) {
    return this.opened(() => this.editor.sample && show(this.editor.sample));
  }

  opened(show) {
    this.opening = true;
    return this.inTurn(show).finally(() => {
      this.opening = false;
      this.onOpened();
    });
  }

  /** Record events of a dialogue, and show their result before the server has acknowledged them. */
  async record(sample, events, state, values = {}) {
    const base = Math.max(sample.review.n, this.numbers.get(sample.id) ?? 0);
    await this.journal.record(events.map((event) => ({ key: sample.key, base, ...event })));
    const { counts } = this.journal;
    if (state) {
      for (const [name, by] of [[sample.review.state, -1], [state, 1]]) counts[name] = (counts[name] ?? 0) + by;
      Object.assign(sample.review, { state, conflict: [] });
    }
    Object.assign(sample, values);
    this.page.redraw([sample]);
    this.count();
  }

  accept() {
    return this.act((sample) => this.keepOr(sample, [{ kind: "accept" }]).then(() => this.page.next(sample)));
  }

  keep() {
    return this.act(async (sample) => {
      await this.keepOr(sample, []);
      document.activeElement.blur();
    });
  }

  /** Store what was typed; where nothing was, record other events. */
  async keepOr(sample, others) {
    const { editor } = this;
    const [edits, { scenario, response, ...texts }] = [editor.edits(), editor.values];
    if (edits.length + others.length === 0) return;
    const spoken = sample.user === null && !(texts.user || texts.robot) ? {} : texts;
    const values = edits.length ? { ...spoken, scenario: scenario || null, response: response || null } : {};
    await this.record(sample, edits.length ? edits : others, edits.length ? "edited" : sample.review.state === "edited" ? "edited" : "accepted", values);
    await this.outbox.keepDraft(sample.key, null);
    editor.show(sample);
    this.say(edits.length ? "kept" : "accepted");
  }

  drop() {
    if (this.editor.sample) this.editor.drop();
    document.activeElement.blur();
  }

  reject() {
    return this.open((sample) => askReason((reason) => this.act(async () => {
      await this.record(sample, [{ kind: "reject", reason }], "rejected");
      await this.outbox.keepDraft(sample.key, null);
      this.say("rejected");
      await this.page.next(sample);
    })));
  }

  /** Decide a conflict by the verdict of another person, or prefer a dialogue of a pair. */
  take(place) {
    const { conflict = [] } = this.page.episode ?? {};
    if (conflict[place] && !this.editor.sample?.review.conflict.length) return this.spans.take(place);
    return this.act(async (sample) => {
      const verdict = sample.review.conflict[place];
      if (!verdict && !sample.pair) return;
      const [events, values, state, said] = sample.pair ? preference(place) : eventsOf(verdict);
      await this.record(sample, events, state, values);
      this.say(said);
      await this.page.next(sample);
    });
  }

  /** Ask the model again, and take what it writes, or edit it first. */
  ask() {
    return this.open((sample) => this.asking.ask(sample, {
      take: (candidate) => this.act(async () => {
        const { generator, asked, ...values } = candidate;
        await this.record(sample, [{ kind: "take", generator, asked, ...values }], "edited", values);
        await this.outbox.keepDraft(sample.key, null);
        this.say("taken");
        await this.page.next(sample);
      }),
      edit: (candidate) => this.editor.edit(sample, candidate),
    }));
  }

  /** Let the dialogue begin or end at the frame that is shown, which belongs to it, or at a near change point in its span
   * unless it is to be `exact`. */
  move(edge, exact = false) {
    return this.act(async (sample) => {
      if (sample.stop === null) throw new Error("This dialogue is not in force at any frame.");
      const { frame: shown, episode } = this.page;
      const span = episode.spans[placeOf(episode.spans, shown)] ?? sample;
      const fits = (at) => edge === "stop" ? at > sample.start && at <= span.stop : at >= span.start && at < sample.stop;
      const wanted = edge === "stop" ? shown + 1 : shown;
      const to = exact ? wanted : snapped(wanted, episode.changes, fits);
      const range = { start: sample.start, stop: sample.stop, [edge]: to };
      const frame = edge === "stop" ? to - 1 : to;
      if (range.start >= range.stop) throw new Error("The dialogue would be in force at no frame: its end is before its beginning.");
      this.stale = true;
      await this.record(sample, [{ kind: "edit_range", ...range }], "edited", range);
      this.say(edge === "stop" ? `ends at frame ${number(frame)}` : `begins at frame ${number(frame)}`);
    });
  }

  flag() {
    return this.act(async (sample) => {
      const on = !sample.review.flagged;
      sample.review.flagged = on;
      await this.record(sample, [{ kind: "flag", on }], null);
      this.say(on ? "flagged" : "not flagged");
    });
  }

  note() {
    return this.open((sample) => askNote(sample.review.note, (note) => this.act(async () => {
      sample.review.note = note;
      await this.record(sample, [{ kind: "note", text: note }], null);
      this.say("noted");
    })));
  }

  undo() {
    return this.inTurn(() => this.journal.undo());
  }

  redo() {
    return this.inTurn(() => this.journal.redo());
  }

  /** Take over what the server stores, and go to what was undone. */
  receive(states, path) {
    for (const state of states) {
      if (state.sample === null) this.stale = this.spans.receive(state) || this.stale;
      this.numbers.set(state.sample, state.n);
      const sample = this.page.sample(state.sample);
      if (!sample) continue;
      const { user, robot, scenario, response, start, stop } = state;
      const differs = sample.start !== start || sample.stop !== stop || sample.user !== user || sample.robot !== robot;
      this.stale ||= differs || (state.state === "rejected" || state.changed.length > 0) && state.n !== sample.review.n;
      Object.assign(sample, { user, robot, scenario, response, start, stop, review: state });
    }
    this.page.redraw(states.map(({ sample }) => this.page.sample(sample)).filter(Boolean), states);
    if (!states.length || (path !== "/api/undo" && path !== "/api/redo")) return;
    this.stale = true;
    this.say(path === "/api/undo" ? "undone" : "redone");
    const [{ sample, key }] = states;
    const frame = sample === null && key[0] === this.page.episode.index ? this.page.frame : key[1];
    this.page.choose({ id: sample, ep: key[0], frame });
  }

  /** Show why something was not stored; what was typed stays as a draft. */
  refused(events, error) {
    for (const { key, user, robot } of events.filter(({ kind }) => kind === "edit_text")) {
      const stored = error.states.find((state) => state.key.join() === key.join()) ?? {};
      this.outbox.keepDraft(key, { scenario: stored.scenario ?? "", response: stored.response ?? "", user, robot });
    }
    this.receive(error.states, "");
    this.page.show(error);
    this.page.reload();
  }

  say(done) {
    byId(this.segments ? "edited" : "said").textContent = `${done}, ${number(left(this.journal.counts))} left`;
  }

  /** Show how much is reviewed, and what is not acknowledged yet. */
  count() {
    if (!this.journal) return;
    showProgress(this.journal);
    if (this.journal.unsaved || !this.stale) return;
    this.stale = false;
    this.page.reload();
  }
}
