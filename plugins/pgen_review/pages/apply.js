import { get, post } from "./api.js";
import { element, openDialog } from "./dom.js";

const POLL = 300;

/** Ask whether the decisions are to be written to the dataset, write them, and show what comes of it. */
export function apply(journal, page) {
  const state = element("p", { id: "applying", role: "status" }, "The reviewed dialogues replace those of the dataset, and the result is verified. If that fails, the old files stay.");
  const start = element("button", { type: "button", id: "start" }, "Write to the dataset");
  const dialog = openDialog("Write to the dataset", state, start);
  start.addEventListener("click", async () => {
    start.disabled = true;
    try {
      if (journal.unsaved) throw new Error("Some decisions have not reached the server yet; write when none are unsaved.");
      await journal.receive();
      let progress = await post("/api/apply", { journal: journal.id, base: journal.seen });
      while (progress.state === "running") {
        state.textContent = `${progress.step} …`;
        await new Promise((resolve) => setTimeout(resolve, POLL));
        progress = await get("/api/apply");
      }
      state.textContent = progress.message;
      state.dataset.state = progress.state;
      await page.reload();
    } catch (error) {
      state.textContent = error.message;
      state.dataset.state = "failed";
    }
    start.disabled = !dialog.isConnected;
  });
  start.focus();
}
