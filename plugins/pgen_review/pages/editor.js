import { pairOf, sideBySide } from "./conflict.js";
import { problems } from "./dialogue.js";
import { MARKS, byId, element, text, words } from "./dom.js";

const FIELDS = ["user", "robot", "scenario", "response"];
const WAIT = 400;

/** The form of the selected dialogue. What is typed is a draft until it is kept or dropped; `outbox` keeps drafts. */
export class Editor {
  constructor(types, outbox, onInput, onTake) {
    Object.assign(this, { outbox, onInput, onTake, sample: null, timer: null });
    this.fields = Object.fromEntries(FIELDS.map((name) => [name, byId(`edit-${name}`)]));
    for (const name of ["scenario", "response"]) {
      this.fields[name].append(...types[name].map((value) => element("option", { value }, words(value))));
    }
    for (const field of Object.values(this.fields)) field.addEventListener("input", () => this.typed());
    // What is being edited stays selected while the episode plays on.
    byId("editor").addEventListener("focusin", ({ target }) => FIELDS.some((name) => this.fields[name] === target) && this.onInput());
    window.addEventListener("pagehide", () => this.keepDraft());
  }

  get values() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.fields[name].value.replace(/\s+/gu, " ").trim()]));
  }

  /** The names of the fields that differ from what is stored. */
  get changed() {
    return this.sample ? FIELDS.filter((name) => this.values[name] !== (this.sample[name] ?? "")) : [];
  }

  /** Show a dialogue: its draft if there is one, else what is stored. */
  show(sample) {
    if (sample?.id !== this.sample?.id) {
      this.keepDraft();
      this.sample = sample;
      this.fill(sample && this.outbox.draft(sample.key)?.values);
    } else if (sample) {
      // The sample may be another one since it was shown, with other values; what was typed differs from both.
      const { values, filled } = this;
      const untouched = this.changed.length === 0 || FIELDS.every((name) => values[name] === filled[name]);
      this.sample = sample;
      if (untouched) this.fill(this.outbox.draft(sample.key)?.values);
      else if (this.changed.length === 0) this.filled = values;
    }
    this.describe();
  }

  fill(draft) {
    this.taken = draft?.taken ?? null;
    for (const name of FIELDS) {
      const value = draft?.[name] ?? this.sample?.[name] ?? "";
      const field = this.fields[name];
      if (field.matches("select") && ![...field.options].some((option) => option.value === value)) {
        field.append(element("option", { value }, words(value) || "none"));
      }
      field.value = value;
    }
    this.filled = this.values;
  }

  describe() {
    const { sample } = this;
    byId("editor").hidden = !sample;
    if (!sample) return;
    const { state, by, at, reason, flagged, note } = sample.review;
    const frames = sample.stop === null ? `frame ${sample.frame}, not in force` : `frames ${sample.start} to ${sample.stop - 1}`;
    byId("about").textContent = `${sample.scope}, ${frames}: ${sample.skills[0]}`;
    const who = by ? ` by ${by}, ${new Date(at).toLocaleString()}` : "";
    const parts = [`${MARKS[state]} ${state}${state === "open" ? "" : who}`, reason && `reason: ${reason}`, flagged && "⚑ flagged", note && `note: ${note}`];
    byId("reviewed").replaceChildren(...parts.filter(Boolean).map((part) => text("span", {}, part)));
    byId("found").replaceChildren(...problems(sample));
    byId("conflict").replaceChildren(...(sample.pair ? pairOf(sample.pair, this.onTake) : sideBySide(sample.review.conflict, this.onTake)));
    this.compare();
  }

  /** Show what is stored and what the run wrote, where the form has something else. */
  compare() {
    const { sample, changed } = this;
    const rows = changed.map((name) => ["stored", name, sample[name] ?? ""]);
    for (const name of sample.original ? FIELDS : []) {
      if (!changed.includes(name) && sample.original[name] !== sample[name]) rows.push(["originally", name, sample.original[name] ?? ""]);
    }
    byId("versions").replaceChildren(...rows.map(([what, name, value]) => element("p", { class: "quiet" }, element("b", {}, `${what}, ${name}: `), text("span", {}, value))));
    byId("draft").hidden = changed.length === 0;
  }

  typed() {
    this.compare();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keepDraft(), WAIT);
  }

  keepDraft() {
    clearTimeout(this.timer);
    if (!this.sample) return;
    const values = this.changed.length ? { ...this.values, taken: this.taken } : null;
    if (values || this.outbox.draft(this.sample.key)) this.outbox.keepDraft(this.sample.key, values);
  }

  focus() {
    this.fields.user.focus();
  }

  /** Take back what is not kept. */
  drop() {
    this.fill(null);
    this.keepDraft();
    this.compare();
  }

  /** Begin to edit a candidate of a model. */
  edit(sample, candidate) {
    this.outbox.keepDraft(sample.key, { ...candidate, taken: candidate });
    this.sample = sample;
    this.fill(this.outbox.draft(sample.key).values);
    this.describe();
    this.focus();
  }

  /** Return the events that store what was changed, that a candidate was taken included. */
  edits() {
    const { taken, values } = this;
    const any = (...names) => names.some((name) => values[name] !== ((taken ?? this.sample)[name] ?? ""));
    const events = taken ? [{ kind: "take", ...taken }] : [];
    if (any("user", "robot")) events.push({ kind: "edit_text", user: values.user, robot: values.robot });
    if (any("scenario", "response")) events.push({ kind: "edit_types", scenario: values.scenario || null, response: values.response || null });
    return events;
  }
}
