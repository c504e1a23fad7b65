
const ROW = 20;
const LISTED = 2;
const entries = data.episodes.flatMap((episode) => episode.samples.map((sample) => entry(episode, sample)));
const scenario = options("scenario", types("scenario"));
const response = options("response", types("response"));
const scope = options("scope", scopesOf(entries.map(({ sample }) => sample)).map((name) => [name, words(name)]));
const state = options("state", [...checked(), ...(entries.some(({ sample }) => poor(sample)) ? [["poor", `Judged ${data.poor} or less`]] : [])]);

function entry(episode, sample) {
  const texts = [episode.id, episode.task, data.skills[sample.skill], sample.user, sample.robot, ...(sample.reasons ?? []), ...(sample.scores ?? []).map(([, , reason]) => reason)];
  return { episode, sample, text: texts.filter(Boolean).join("\n").toLowerCase() };
}

function scopesOf(samples) {
  const present = new Set(samples.map((sample) => sample.scope));
  return data.scopes.filter((name) => present.has(name));
}

function types(kind) {
  const types = new Set(entries.map(({ sample }) => sample[kind]).filter(Boolean));
  return [...types].sort().map((type) => [type, words(type)]);
}

function checked() {
  const codes = new Set(entries.flatMap(({ sample }) => sample.codes ?? []));
  return [...codes].sort().map((code) => [`check:${code}`, `Check: ${code}`]);
}

function poor(sample) {
  return (sample.scores ?? []).some(([, score]) => score <= data.poor);
}

function outcome(sample) {
  if (sample.scene) return "scene";
  return sample.failed ? "failed" : "ok";
}

function inState(sample) {
  if (state.value === "poor") return poor(sample);
  if (state.value.startsWith("check:")) return (sample.codes ?? []).includes(state.value.slice(6));
  return !state.value || state.value === outcome(sample);
}

function fits(searched) {
  return ({ sample, text }) =>
    (!scenario.value || sample.scenario === scenario.value) &&
    (!response.value || sample.response === response.value) &&
    (!scope.value || sample.scope === scope.value) &&
    inState(sample) &&
    searched.every((word) => text.includes(word));
}

function seconds(episode, time) {
  return episode.timed ? `${time.toFixed(1)} s` : `moment ${time + 1}`;
}

/** Return the samples in groups with the same key, in order. */
function grouped(samples, key) {
  const groups = new Map();
  for (const sample of samples) groups.set(key(sample), [...(groups.get(key(sample)) ?? []), sample]);
  return [...groups.values()];
}

/** Draw the episode's exchanges, a row for each scope, above its skills, with a mark for each moment. */
function timeline(episode) {
  const lasting = episode.samples.filter((sample) => sample.until !== undefined);
  const rows = scopesOf(lasting);
  const top = rows.length * ROW;
  const { svg, at, block } = strip(episode, (time) => seconds(episode, time), top + 42, top);
  rows.forEach((name, place) => {
    const ofScope = lasting.filter((sample) => sample.scope === name);
    for (const wordings of grouped(ofScope, (sample) => `${sample.from} ${sample.until}`)) {
      const [{ from, until, user }] = wordings;
      const tip = [`${words(name)}, ${period(episode, from, until)}`, ...wordings.map((sample) => sample.user)].join("\n");
      block(`exchange ${name === "episode" || name === "standing" ? "whole" : "part"}`, [from, until], place * ROW, ROW - 4, user, tip);
    }
  });
  for (const samples of grouped(episode.samples, (sample) => `${sample.time} ${sample.frame}`)) {
    const [{ time }] = samples;
    const tip = drawn("title", {}, seconds(episode, time));
    svg.append(drawn("circle", { class: mark(samples), cx: at(time), cy: top + 34, r: 3.5 }, tip));
  }
  const names = rows.map((name) => element("span", {}, words(name)));
  return element("div", { class: "rows" }, element("div", { class: "names" }, ...names), svg);
}

function mark(samples) {
  const outcomes = samples.map(outcome);
  return outcomes.includes("failed") || outcomes.includes("scene") ? "bad" : "good";
}

function period(episode, from, until) {
  return `${from.toFixed(1)} to ${seconds(episode, until)}`;
}

/** Describe the scope of a dialogue, over which frames it is in force, and the skills after the current one. */
function reach({ episode, sample }) {
  const parts = [words(sample.scope)];
  if (sample.until !== undefined) parts.push(period(episode, sample.from, sample.until));
  if (sample.frames) parts.push(`${sample.frames[1] - sample.frames[0]} frames`);
  const later = sample.skills ?? [];
  const more = later.length > LISTED ? [`and ${later.length - LISTED} more`] : [];
  const text = [parts.join(", "), ...(later.length ? [`then ${[...later.slice(0, LISTED), ...more].join("; ")}`] : [])].join("; ");
  return element("p", { class: "quiet reach", dir: "auto", title: later.join("; ") }, text);
}

function card({ episode, sample }) {
  const when = element("span", { class: "when", title: `frame ${sample.frame}` }, seconds(episode, sample.time));
  const skill = element("span", { class: "skill", dir: "auto" }, data.skills[sample.skill]);
  const kinds = [sample.scenario, sample.response].filter(Boolean).map((type) => element("span", { class: "chip" }, words(type)));
  const scores = sample.scores ?? [];
  const low = scores.filter(([, score]) => score <= data.poor).map(([name, score, reason]) => `${name} ${score}: ${reason}`);
  const marks = [...(sample.reasons ?? []), ...low].map((reason) => element("p", { class: "bad", dir: "auto" }, reason));
  const judged = scores.map(([name, score, reason]) => element("span", { class: "chip", title: reason }, `${name} ${score}`));
  return element(
    "article",
    { class: `card edge${sample.skill % HUES}` },
    element("h4", {}, when, skill),
    reach({ episode, sample }),
    thumbnail(sample.image),
    sample.user ? speech("user", sample.user) : null,
    sample.robot ? speech("robot", sample.robot) : null,
    ...marks,
    element("p", { class: "chips" }, ...kinds, ...judged, sample.chosen ? element("span", { class: "chip", dir: "auto" }, `judge chose: ${sample.chosen}`) : null),
  );
}

const listing = episodeListing(entries, timeline, card);
controls((searched) => listing.filter(fits(searched)));
