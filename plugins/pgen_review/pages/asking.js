import { get, post } from "./api.js";
import { findings } from "./dialogue.js";
import { byId, element, number, openDialog, speech, text } from "./dom.js";
import { reasonField } from "./reasons.js";

const POLL = 300;
const MOST = 4;
/** What an event stores of a candidate. */
const STORED = ["user", "robot", "scenario", "response", "generator", "asked"];

/** Asks a model again for dialogues. `journal` is the id of the journal, `show` shows an error. */
export class Asking {
  constructor(journal, show) {
    Object.assign(this, { journal, show });
  }

  /** Grey the buttons where nobody can be asked. It is found out once, after a dialogue is shown: it takes the server's
   * time. */
  check() {
    this.checked ??= get("/api/ask").then((state) => this.grey(state.why)).catch(this.show);
  }

  /** Grey the buttons where there is nobody to ask. The keys still try: a server may be there by now. */
  grey(why) {
    for (const [name, title] of [["ask", "Ask the model again (g)"], ["ask-rejected", "Ask the model again about all that are rejected (G)"]]) {
      byId(name).disabled = Boolean(why);
      byId(name).title = why || title;
    }
  }

  /** Ask about a dialogue with a reason. `on` has `take` and `edit`, which are called with a candidate. */
  async ask(sample, on) {
    const state = await this.state(`?sample=${sample.id}`);
    const panel = new Panel(state, (reason) => panel.run({ key: sample.key, reason, each: panel.each }, this.journal));
    panel.loaded = async () => {
      const { candidates } = await this.state(`?sample=${sample.id}`);
      if (!candidates.length && panel.status.textContent.startsWith("done")) panel.end("The model wrote the same dialogue again; give another reason, or ask for more candidates.");
      panel.list(candidates, on);
    };
    panel.open(sample, on, state.candidates);
  }

  /** Ask about all dialogues that are rejected, for each with its reason. It goes on when the dialog is closed. */
  async askAll() {
    try {
      const state = await this.state("?rejected");
      const panel = new Panel(state, () => panel.run({ rejected: true, each: panel.each }, this.journal));
      panel.loaded = () => this.state("?rejected");
      panel.openAll(state);
    } catch (error) {
      this.show(error);
    }
  }

  async state(query) {
    const state = await get(`/api/ask${query}`);
    this.grey(state.why);
    if (!state.available) throw new Error(state.why);
    return state;
  }
}

/** A dialog in which a model is asked: who it is, what it takes, and how far it is. */
class Panel {
  constructor(state, start) {
    const { field, list } = reasonField((reason) => {
      field.value = reason;
      start(reason);
    });
    const options = Array.from({ length: MOST }, (_, place) => element("option", { value: place + 1 }, `${place + 1}`));
    Object.assign(this, { field, reasons: list, running: null, loaded: null });
    this.select = element("select", { id: "each" }, ...options);
    this.about = text("p", { class: "quiet" }, described(state));
    this.button = element("button", { type: "button", id: "start" }, "Ask");
    this.status = text("p", { id: "asking", role: "status" }, "");
    this.candidates = element("ol", { id: "candidates" });
    this.button.addEventListener("click", () => (this.running ? this.cancel() : start(field.value.trim())));
  }

  get each() {
    return Number(this.select.value);
  }

  open({ user, review: { reason } }, on, candidates) {
    const wanted = element("label", {}, "candidates ", this.select);
    const isFirst = user === null;
    this.dialog = openDialog(isFirst ? "Ask for a dialogue" : "Ask again, because …", this.about, this.field, this.reasons, wanted, this.button, this.status, this.candidates);
    this.field.value = reason;
    this.select.value = 2;
    this.dialog.addEventListener("close", () => this.cancel());
    this.dialog.addEventListener("keydown", (event) => this.press(event));
    (isFirst ? this.button : this.field).focus();
    this.list(candidates, on);
  }

  openAll({ running, dialogues }) {
    const wanted = element("label", {}, "candidates for each ", this.select);
    this.status.textContent = `${number(dialogues)} rejected dialogues that no model was asked about. Candidates are kept: g shows them.`;
    this.button.disabled = !running && !dialogues;
    this.dialog = openDialog("Ask again about all rejected dialogues", this.about, wanted, this.button, this.status);
    this.button.focus();
    if (running) this.follow(running);
  }

  /** Take or edit a candidate by its number, unless something is typed. */
  press(event) {
    if (event.target === this.field || event.ctrlKey || event.altKey || event.metaKey) return;
    const items = [...this.candidates.children];
    const here = Math.max(items.indexOf(event.target.closest("#candidates > li")), 0);
    const button = event.key === "e" ? items[here]?.querySelector(".edit") : items[Number(event.key) - 1]?.querySelector(".take");
    if (!button) return;
    event.preventDefault();
    button.click();
  }

  /** Show candidates, with a focus on the first. */
  list(candidates, on) {
    const choose = (act, candidate) => {
      this.dialog.close();
      act(Object.fromEntries(STORED.map((name) => [name, candidate[name]])));
    };
    this.candidates.replaceChildren(...candidates.map((candidate, place) => {
      const take = element("button", { type: "button", class: "take" }, `Take ${place + 1}`);
      const edit = element("button", { type: "button", class: "edit" }, `Edit ${place + 1} first`);
      take.addEventListener("click", () => choose(on.take, candidate));
      edit.addEventListener("click", () => choose(on.edit, candidate));
      return element("li", {}, speech("user", candidate.user), speech("robot", candidate.robot), ...findings(candidate.findings), take, edit);
    }));
    this.reasons.hidden = candidates.length > 0;
    this.candidates.querySelector(".take")?.focus();
  }

  /** Send a request, and follow it until it ends. */
  async run(wanted, journal) {
    if (this.running) return;
    try {
      await this.follow(await post("/api/ask", { journal, ...wanted }));
    } catch (error) {
      this.end(error.message);
    }
  }

  async follow(begun) {
    this.running = begun;
    this.button.disabled = false;
    this.button.textContent = "Cancel";
    let progress = begun;
    while (progress.state === "running" && this.dialog.isConnected) {
      this.status.textContent = counted(progress);
      await new Promise((resolve) => setTimeout(resolve, POLL));
      progress = await get(`/api/ask/${begun.id}`);
    }
    if (!this.dialog.isConnected) return;
    this.end(progress.state === "failed" ? progress.message : `${progress.state}: ${counted(progress)}`);
    await this.loaded();
  }

  end(message) {
    this.running = null;
    this.button.textContent = "Ask";
    this.status.textContent = message;
  }

  cancel() {
    const { running } = this;
    if (running) post(`/api/ask/${running.id}`, {}, "DELETE").catch(() => {}); // a server that is gone asks nobody
  }
}

/** Return who is asked, and about how many tokens it takes. */
function described({ generator, model, address, tokens }) {
  const who = [generator, model && `model ${model}`, address && `at ${address}`].filter(Boolean).join(", ");
  const cost = tokens ? `about ${number(tokens[0])} tokens in and ${number(tokens[1])} out for one candidate${address ? "; the images of the cameras are sent" : ""}` : "no tokens";
  return `${who}: ${cost}`;
}

function counted({ total, done, failed, tokens: [sent, written] }) {
  const cost = sent ? `; ${number(sent)} tokens in, ${number(written)} out` : "";
  return `${number(done - failed)} of ${number(total)} written${failed ? `, ${number(failed)} failed` : ""}${cost}`;
}
