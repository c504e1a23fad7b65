const [DATABASE, REQUESTS, DRAFTS] = ["pgen-review", "requests", "drafts"];

/** Open what this browser has not sent yet: it survives the end of the tab, and that of the server. */
export async function openOutbox(journal) {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(REQUESTS, { keyPath: "place", autoIncrement: true });
    request.result.createObjectStore(DRAFTS, { keyPath: ["journal", "dialogue"] });
  };
  const outbox = new Outbox(await finished(request), journal);
  const drafts = await finished(outbox.store(DRAFTS, "readonly").getAll());
  for (const draft of drafts.filter((draft) => draft.journal === journal)) outbox.drafts.set(draft.dialogue, draft);
  return outbox;
}

/** Requests in their order, and texts that are being typed, of one journal of the server. */
class Outbox {
  constructor(database, journal) {
    Object.assign(this, { database, journal, drafts: new Map(), tab: crypto.randomUUID() });
  }

  store(name, mode) {
    return this.database.transaction(name, mode, { durability: "strict" }).objectStore(name);
  }

  async add(path, content) {
    const store = this.store(REQUESTS, "readwrite");
    store.add({ journal: this.journal, tab: this.tab, path, content });
    await committed(store.transaction);
  }

  async waiting() {
    const all = await finished(this.store(REQUESTS, "readonly").getAll());
    return all.filter(({ journal }) => journal === this.journal);
  }

  /** Remove a request. Later ones of the same tab were made in sight of its result, and are based on it. */
  async remove(sent, states) {
    const store = this.store(REQUESTS, "readwrite");
    const numbers = new Map(states.map(({ key, n }) => [key.join(" "), n]));
    store.delete(sent.place);
    store.getAll().onsuccess = ({ target }) => {
      for (const entry of target.result) {
        if (entry.journal !== sent.journal || entry.tab !== sent.tab || !entry.content.events) continue;
        for (const event of entry.content.events) event.base = numbers.get(event.key.join(" ")) ?? event.base;
        store.put(entry);
      }
    };
    await committed(store.transaction);
  }

  draft(key) {
    return this.drafts.get(key.join(" "));
  }

  /** Keep a draft of a dialogue, or remove it if there are no values. */
  async keepDraft(key, values) {
    const dialogue = key.join(" ");
    // A transaction lasts until it is on the disk; most dialogues are decided without one.
    if (!values && !this.drafts.has(dialogue)) return;
    const store = this.store(DRAFTS, "readwrite");
    if (values) {
      const draft = { journal: this.journal, dialogue, values };
      this.drafts.set(dialogue, draft);
      store.put(draft);
    } else {
      this.drafts.delete(dialogue);
      store.delete([this.journal, dialogue]);
    }
    await committed(store.transaction);
  }
}

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function committed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
}
