import { get, post } from "./api.js";

const [AGAIN, POLL] = [1000, 2000];
/** What is not worth sending again: a request that is wrong, or whose dialogue was changed elsewhere meanwhile. */
const REFUSED = [400, 409, 413];

/** Sends what the person decides to the journal of the server, in order and until it is acknowledged, and receives
 * what other tabs decide. `on` has `states`, `changed` and `refused`. */
export class Journal {
  constructor(review, outbox, on) {
    Object.assign(this, { outbox, on, id: review.journal, seen: review.base, unsaved: 0, problem: "", wanted: false, newest: 0 });
    this.take({ ...review, n: review.base });
    this.poll();
  }

  /** Record events that are undone together. */
  async record(events) {
    await this.put("/api/events", { events: events.map((event) => ({ id: crypto.randomUUID(), ...event })) });
  }

  undo() {
    return this.put("/api/undo", { id: crypto.randomUUID() });
  }

  redo() {
    return this.put("/api/redo", { id: crypto.randomUUID() });
  }

  /** Store a request in this browser, and send it without waiting for the answer. */
  async put(path, content) {
    this.unsaved += 1;
    await this.outbox.add(path, content);
    this.flush();
  }

  /** Send what waits. Of several tabs, one sends at a time; each sends what all of them have left. */
  flush() {
    this.wanted = true;
    this.flushing ??= this.sendAll()
      .catch((error) => this.sendLater(error))
      .finally(() => (this.flushing = null));
  }

  async sendAll() {
    clearTimeout(this.timer);
    while (this.wanted) {
      this.wanted = false;
      await navigator.locks.request("pgen-review", () => this.send());
    }
  }

  async send() {
    for (let entry; (entry = await this.first()); ) {
      try {
        const answer = await post(entry.path, this.body(entry));
        this.take(answer);
        // What is recorded from now on is based on these states; what waits is changed as the request is removed.
        this.on.states(answer.states, entry.path);
        await this.outbox.remove(entry, answer.states);
      } catch (error) {
        if (!REFUSED.includes(error.status)) {
          this.sendLater(error);
          return;
        }
        await this.outbox.remove(entry, []);
        this.on.refused(entry.content.events ?? [], error);
      }
    }
    this.problem = "";
    this.on.changed();
  }

  /** Return the request that is to be sent next, and count what waits. */
  async first() {
    const waiting = await this.outbox.waiting();
    this.unsaved = waiting.length;
    this.on.changed();
    return waiting[0];
  }

  body({ path, content }) {
    const place = { "/api/undo": { n: this.last }, "/api/redo": { n: this.next } };
    return { journal: this.id, ...content, ...place[path] };
  }

  sendLater(error) {
    this.problem = error.status || error.name !== "TypeError" ? error.message : "The server does not answer; everything is kept here until it does.";
    this.timer = setTimeout(() => this.flush(), AGAIN);
    this.on.changed();
  }

  /** Take over what is undone and redone next, unless the answer is older than one that overtook it. */
  take({ n, undo, redo, counts }) {
    if (n < this.newest) return;
    Object.assign(this, { newest: n, last: undo, next: redo });
    // Until all is acknowledged, the page counts itself.
    if (this.unsaved <= 1 || !this.counts) this.counts = counts;
  }

  /** Receive what was recorded since the last time, in this tab or in another. */
  async receive() {
    const answer = await get(`/api/events?since=${this.seen}`);
    if (answer.n === this.seen || answer.n < this.newest) return;
    this.seen = answer.n;
    this.take(answer);
    this.on.states(answer.states, "");
    this.on.changed();
  }

  poll() {
    setTimeout(async () => {
      // A server that does not answer is no news here: what waits says so.
      if (document.visibilityState === "visible") await this.receive().catch(() => {});
      this.poll();
    }, POLL);
  }
}
