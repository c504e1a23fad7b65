/** A response that is an error: its status, the server's own words, and the states that it sent. */
export class Refusal extends Error {
  constructor(status, message, states) {
    super(message);
    Object.assign(this, { status, states });
  }
}

/** Return the JSON of an address of the server. */
export async function get(path) {
  return answer(await fetch(path));
}

/** Send JSON, and return the JSON of the answer. */
export async function post(path, content, method = "POST") {
  const headers = { "Content-Type": "application/json" };
  return answer(await fetch(path, { method, headers, body: JSON.stringify(content) }));
}

/** Exchange the key of the address for a cookie, and take it out of the address. */
export async function enter() {
  const state = new URLSearchParams(window.location.hash.slice(1));
  if (!state.has("t")) return;
  await post("/api/session", { key: state.get("t") });
  state.delete("t");
  window.history.replaceState(null, "", `#${state}`);
}

async function answer(response) {
  if (response.ok) return response.json();
  const text = await response.text();
  const { error, states = [] } = response.headers.get("Content-Type")?.startsWith("application/json") ? JSON.parse(text) : { error: text };
  throw new Refusal(response.status, error, states);
}
