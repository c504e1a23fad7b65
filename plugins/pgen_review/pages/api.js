/** Return the JSON of an address of the server; an error has the server's own words. */
export async function get(path) {
  return answer(await fetch(path));
}

/** Exchange the key of the address for a cookie, and take it out of the address. */
export async function enter() {
  const state = new URLSearchParams(window.location.hash.slice(1));
  if (!state.has("t")) return;
  const body = JSON.stringify({ key: state.get("t") });
  await answer(await fetch("/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body }));
  state.delete("t");
  window.history.replaceState(null, "", `#${state}`);
}

async function answer(response) {
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}
