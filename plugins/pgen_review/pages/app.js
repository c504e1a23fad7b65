import { enter, get } from "./api.js";
import { DialoguePanel } from "./dialogue.js";
import { byId, number } from "./dom.js";
import { openEditing } from "./editing.js";
import { bind } from "./keys.js";
import { Player, enlarge } from "./player.js";
import { Queue } from "./queue.js";
import { Timeline } from "./timeline.js";

const panel = new DialoguePanel((sample) => {
  select(sample);
  shown();
});
const player = new Player(byId("cameras"), () => shown(), () => write());
const timeline = new Timeline(byId("timeline"), (frame) => go(frame));
let queue = null;
let episode = null;
let summary = null;
/** What changes the results, or null where they are only read. */
let editing = null;
/** The number of visits, of which only the last one counts. */
let visits = 0;
/** The number of changes of dialogues. */
let changes = 0;

/** Show what belongs to the frame of the player. */
function shown() {
  if (!episode) return;
  const frame = player.at;
  timeline.show(frame);
  if (panel.show(frame)) editing?.show(panel.selected ?? panel.label);
  byId("seek").value = frame;
  const time = `${episode.times[frame].toFixed(2)} s`;
  byId("seek").setAttribute("aria-valuetext", `${time}, frame ${frame}`);
  byId("clock").textContent = `${time}, frame ${number(frame)} of ${number(episode.times.length)}`;
  const playing = player.playing || player.resume;
  if ((byId("play").textContent === "Pause") !== playing) byId("play").textContent = playing ? "Pause" : "Play";
}

/** Keep the filters, the episode and the frame in the address, so that it can be passed on. */
function write() {
  const place = episode ? [["ep", episode.index], ["frame", player.at]] : [];
  const address = `#${new URLSearchParams([...queue.parameters, ...place])}`;
  if (window.location.hash !== address) window.history.replaceState(null, "", address);
}

function open(loaded) {
  player.open(loaded);
  episode = loaded;
  if (editing) queue.follow(loaded).catch(show);
  byId("episode").value = loaded.index;
  byId("episodes").textContent = `${number(loaded.place + 1)} of ${number(summary.episodes)}`;
  byId("task").textContent = loaded.task;
  byId("previous-episode").disabled = loaded.previous === null;
  byId("next-episode").disabled = loaded.next === null;
  byId("seek").max = loaded.times.length - 1;
  panel.draw(loaded, null);
  timeline.at = 0;
  timeline.draw(loaded);
  setTimeout(() => episode === loaded && markChanges(loaded).catch(show), 300);
}

/** Show where the robot changes. It is not asked for an episode that is soon left: the server reads the data for it. */
async function markChanges(loaded) {
  const { frames } = await get(`/api/episodes/${loaded.index}/changes`);
  loaded.changes = frames;
  if (episode === loaded) timeline.mark(frames);
}

/** Show a frame of an episode with the sample that is selected, if any, unless another is visited meanwhile; errors are
 * shown on the page. */
async function visit(index, frame = 0, id = null) {
  const visited = (visits += 1);
  try {
    const loaded = episode?.index === index ? null : await get(`/api/episodes/${index}`);
    if (visited !== visits) return;
    if (loaded) open(loaded);
    byId("message").hidden = true;
  } catch (error) {
    show(error);
    return;
  }
  select(sampleOf(id));
  // The selection need not wait until all cameras show the frame.
  player.seek(frame).catch(show);
}

function show(error) {
  byId("message").textContent = error.message;
  byId("message").hidden = false;
}

/** Show a frame of the episode, and end the loop over a dialogue. */
function go(frame) {
  setLoop(null);
  return player.seek(frame);
}

/** Show a sample of the queue. */
function choose({ id, ep, frame }) {
  return visit(ep, frame, id);
}

/** Select a sample of the episode; for null, the one is selected that labels the frame. */
function select(sample) {
  if (panel.selected !== sample) panel.draw(episode, sample);
  queue.find(sample?.id ?? episode?.item);
  const before = sample && sample.frame - second();
  setLoop(sample && sample.stop !== null ? [Math.max(before, 0), sample.stop] : null);
}

function sampleOf(id) {
  return episode?.samples.find((sample) => sample.id === id) ?? null;
}

/** Draw what belongs to samples that have changed. `states` are those of other episodes too. */
function redraw(samples, states = []) {
  changes += 1;
  for (const { sample, item, ...state } of states) queue.update(sample ?? item, state);
  for (const { id, user, review } of samples) queue.update(id, { ...review, user });
  if (!samples.length) return;
  panel.draw(episode, panel.selected);
  timeline.draw(episode);
  shown();
}

/** Load the labels and dialogues of the episode again; once more if they change meanwhile. */
async function reload() {
  const { index } = episode;
  const before = changes;
  const loaded = await get(`/api/episodes/${index}`);
  if (episode.index !== index) return;
  // Without what is not stored yet, it would take that back on the page: it is loaded again once all is stored.
  if (editing?.journal.unsaved) return void (editing.stale = true);
  if (before !== changes) return reload();
  Object.assign(episode, loaded);
  if (editing) await queue.follow(loaded);
  panel.draw(episode, sampleOf(panel.selected?.id));
  timeline.draw(episode);
  shown();
}

/** Go to the next open sample of the queue, or of the episode if the last one is not in the queue. */
async function next(sample) {
  if (!(await queue.next(sample.id))) stepSample(1);
}

function setLoop(range) {
  player.offered = range;
  byId("loop").disabled = !range;
  player.loop = byId("loop").checked ? range : null;
}

function step(by) {
  go(player.at + by);
}

/** Go to the next or previous sample of the episode, of whatever scope. */
function stepSample(by) {
  const samples = episode.samples.toSorted((a, b) => a.frame - b.frame || a.id - b.id);
  const at = samples.indexOf(panel.selected);
  const { at: frame } = player;
  const found = by > 0 ? samples.find((sample) => sample.frame > frame) : samples.findLast((sample) => sample.frame < frame);
  const sample = at >= 0 ? samples[at + by] : found;
  if (sample) visit(episode.index, sample.frame, sample.id);
}

function stepEpisode(index) {
  if (index !== null) visit(index);
}

function stepSpeed(by) {
  const speed = byId("speed");
  speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + by, 0), speed.options.length - 1);
  player.setSpeed(Number(speed.value));
}

function second() {
  return Math.round(episode.fps);
}

/** What each row of the help does, and the function of each of its keys. */
const KEYS = [
  ["play, pause", { " ": () => player.toggle(), k: () => player.toggle() }],
  ["a frame back, on", { ",": () => step(-1), ".": () => step(1) }],
  ["a second back, on", { "<": () => step(-second()), ">": () => step(second()) }],
  ["previous, next dialogue of the episode", { "[": () => stepSample(-1), "]": () => stepSample(1) }],
  ["next, previous in the queue", { n: () => queue.step(1), p: () => queue.step(-1) }],
  ["next, previous episode", { N: () => stepEpisode(episode.next), P: () => stepEpisode(episode.previous) }],
  ["slower, faster", { j: () => stepSpeed(-1), l: () => stepSpeed(1) }],
  ["enlarge the next camera", { v: enlarge }],
  ["search", { "/": () => byId("search").focus() }],
  ["queue", { q: () => queue.focus() }],
];

function bindControls() {
  byId("play").addEventListener("click", () => player.toggle());
  byId("back").addEventListener("click", () => step(-1));
  byId("on").addEventListener("click", () => step(1));
  byId("seek").addEventListener("input", (event) => go(Number(event.target.value)));
  byId("speed").addEventListener("change", (event) => player.setSpeed(Number(event.target.value)));
  byId("loop").addEventListener("change", () => setLoop(player.offered));
  byId("previous-episode").addEventListener("click", () => stepEpisode(episode.previous));
  byId("next-episode").addEventListener("click", () => stepEpisode(episode.next));
  byId("jump").addEventListener("submit", (event) => event.preventDefault());
  byId("episode").addEventListener("change", (event) => visit(Number(event.target.value)));
  // By now, the page may have written its own place into the address.
  window.addEventListener("hashchange", (event) => read(new URL(event.newURL).hash).catch(show));
}

/** Take the filters, the episode and the frame from the address. */
async function read(address) {
  const state = new URLSearchParams(address.slice(1));
  const place = ["ep", "frame"].map((name) => Number.parseInt(state.get(name), 10));
  const filters = [...state.keys()].some((name) => !["ep", "frame", "id", "t"].includes(name));
  // At first, what has a problem and is not decided; a link to a place shows all.
  if (!filters && Number.isNaN(place[0])) {
    if (summary.facets.problem) state.set("problem", "yes");
    if (summary.facets.review) state.set("review", "open");
  }
  queue.set(state);
  const visited = (visits += 1);
  await queue.load();
  if (visited !== visits) return;
  if (!Number.isNaN(place[0])) await visit(place[0], place[1] || 0);
  if (!episode && queue.items.length) queue.choose(0);
  else if (!episode && summary.first !== null) await visit(summary.first);
}

async function start() {
  await enter();
  summary = await get("/api/summary");
  byId("name").textContent = summary.name;
  document.title = `${summary.name}: pgen review`;
  if (summary.review.segmentation) panel.describe("Skill of this frame", "A segmentation has no dialogue: review its spans, then annotate it with pgen annotate.");
  queue = new Queue(summary, choose, write);
  editing = await openEditing(summary.review, {
    get frame() { return player.at; },
    get episode() { return episode; },
    timeline, go,
    sample: sampleOf, select: panel.onSelect, choose, next, redraw, reload: () => reload().catch(show), show,
  });
  bindControls();
  const type = bind([...KEYS, ...(editing?.keys ?? [])], () => editing?.opening ?? false);
  if (editing) editing.onOpened = type;
  await read(window.location.hash);
}

start().catch(show);
