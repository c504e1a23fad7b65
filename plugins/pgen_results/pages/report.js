
const entries = data.episodes.flatMap((episode) => episode.samples.map((sample) => entry(episode, sample)));
const scenario = options("scenario", types("scenario"));
const response = options("response", types("response"));
const state = options("state", [...checked(), ...(entries.some(({ sample }) => poor(sample)) ? [["poor", `Judged ${data.poor} or less`]] : [])]);

function entry(episode, sample) {
  const texts = [episode.id, episode.task, data.skills[sample.skill], sample.user, sample.robot, ...(sample.reasons ?? []), ...(sample.scores ?? []).map(([, , reason]) => reason)];
  return { episode, sample, text: texts.filter(Boolean).join("\n").toLowerCase() };
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

function inState(sample) {
  if (state.value === "poor") return poor(sample);
  if (state.value.startsWith("check:")) return (sample.codes ?? []).includes(state.value.slice(6));
  return !state.value || (state.value === "failed") === Boolean(sample.failed);
}

function fits(searched) {
  return ({ sample, text }) =>
    (!scenario.value || sample.scenario === scenario.value) &&
    (!response.value || sample.response === response.value) &&
    inState(sample) &&
    searched.every((word) => text.includes(word));
}

function seconds(episode, time) {
  return episode.timed ? `${time.toFixed(1)} s` : `sample ${time + 1}`;
}

/** Draw the episode's skills as a strip, with a mark for each sample. */
function timeline(episode) {
  const { svg, at } = strip(episode, (time) => seconds(episode, time), 42);
  for (const sample of episode.samples) {
    const tip = drawn("title", {}, seconds(episode, sample.time));
    svg.append(drawn("circle", { class: sample.failed ? "bad" : "good", cx: at(sample.time), cy: 34, r: 3.5 }, tip));
  }
  return svg;
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
    thumbnail(sample.image),
    sample.user ? speech("user", sample.user) : null,
    sample.robot ? speech("robot", sample.robot) : null,
    ...marks,
    element("p", { class: "chips" }, ...kinds, ...judged),
  );
}

const listing = episodeListing(entries, timeline, card);
controls((searched) => listing.filter(fits(searched)));
