import { byId, element, number, openDialog, speech, text } from "./dom.js";
import { placeOf } from "./spans.js";

/** Accepts the stale dialogues of the episode at once, after all of their texts were shown. `editing` records events. */
export class StaleDialogues {
  constructor(editing) {
    Object.assign(this, { editing, page: editing.page, button: byId("accept-stale") });
    this.button.addEventListener("click", () => this.confirm());
  }

  /** The rows of the table of keys. */
  get keys() {
    return [["accept all stale dialogues of the episode, once their texts were shown", { A: () => this.confirm() }]];
  }

  get all() {
    return this.page.episode?.samples.filter(({ review }) => review?.state === "stale") ?? [];
  }

  /** Those that can be accepted: they have a text, and a span has their frame. */
  get acceptable() {
    const { spans } = this.page.episode;
    return this.all.filter(({ user, frame }) => user !== null && placeOf(spans, frame) >= 0);
  }

  /** Show the number of stale dialogues on the button. */
  show() {
    this.button.hidden = this.all.length === 0;
    this.button.textContent = `Accept ${number(this.all.length)} stale …`;
  }

  /** Show what is to be accepted, the texts that name a former skill first, and accept it if the person says so. */
  confirm() {
    return this.editing.opened(() => {
      const samples = this.acceptable;
      const others = this.all.length - samples.length;
      if (!samples.length) throw new Error(others ? "The stale dialogues are at frames without a skill; let a span have the frames first." : "No dialogue of this episode is stale.");
      const naming = samples.filter(({ review }) => review.former.length);
      const plain = samples.filter(({ review }) => !review.former.length);
      const start = element("button", { type: "button", id: "start" }, `Accept ${number(samples.length)} as they are`);
      const list = element("div", { class: "listed", tabindex: 0, role: "region", "aria-label": "What is accepted" },
        ...group(`${number(naming.length)} name a skill to which they no longer lead`, naming), ...group(naming.length ? `${number(plain.length)} others` : "", plain));
      const what = `Their texts stay as they are, and label the present skills of their frames. One undo takes all of it back.${others ? ` ${number(others)} more stay stale: no skill goes on at their frames.` : ""}`;
      const dialog = openDialog(`Accept ${number(samples.length)} stale dialogues of this episode`, text("p", {}, what), list, start);
      // What is accepted is what is shown: a dialogue that changes meanwhile is not.
      const events = samples.map(({ id, key, review }) => ({ kind: "accept", key, base: Math.max(review.n, this.editing.numbers.get(id) ?? 0) }));
      start.addEventListener("click", () => {
        dialog.close();
        this.editing.inTurn(() => this.accept(samples, events));
      });
      list.focus();
    });
  }

  async accept(samples, events) {
    const { editing } = this;
    editing.stale = true;
    await editing.journal.record(events);
    editing.say(`accepted ${number(samples.length)}`);
    editing.count();
  }
}

/** Return the texts of samples below a heading, if there is one; nothing for no sample. */
function group(heading, samples) {
  const items = samples.map((sample) => {
    const names = sample.review.former.map((name) => `“${name}”`).join(", ");
    return element("li", {}, speech("user", sample.user), speech("robot", sample.robot), text("p", { class: "quiet" }, `${sample.scope}, frame ${number(sample.frame)}: ${sample.skills.join("; ")}${names && `, not ${names}`}`));
  });
  if (!samples.length) return [];
  const list = element("ul", {}, ...items);
  return heading ? [element("h3", {}, heading), list] : [list];
}
