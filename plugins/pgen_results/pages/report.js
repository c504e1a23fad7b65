
const entries = data.episodes.flatMap((episode) => episode.samples.map((sample, place) => ({
  episode, sample, place, time: sample.time, when: () => clock(episode, sample.time), text: () => textOf(episode, sample),
})));

function textOf(episode, sample) {
  const { user, robot, failure = [], checks = [], scores = [] } = sample;
  const texts = [episode.id, episode.task, data.skills[sample.skill], user, robot, ...failure, ...checks.flat(), ...scores.map(([, , reason]) => reason)];
  return texts.filter(Boolean).join("\n");
}

function stateOf({ failed, scene, failure }) {
  if (scene) return ["scene"];
  return failed ? ["failed", `failed:${failure[0]}`] : ["ok"];
}

function findingKeys({ checks = [] }) {
  const codes = checks.map(([code]) => code);
  return [...new Set([...(codes.length ? ["any"] : []), ...codes.map((code) => `${data.codes[code][1]}s`), ...codes])];
}

function judgeKeys({ scores = [] }) {
  const low = scores.filter(([, score]) => score <= data.poor);
  return [...(scores.length ? ["judged"] : []), ...(low.length ? ["low"] : []), ...low.map(([name]) => name), ...scores.map(([name, score]) => `${name}:${score}`)];
}

function typeKeys({ failed, scene, scenario, response, planned }) {
  if (failed || scene || !(scenario || response)) return [];
  return planned ? ["other", ...Object.keys(planned)] : ["same"];
}

/** Return the values of a kind in alphabetical order, in words. */
function valuesOf(kind) {
  return [...new Set(entries.map(({ sample }) => sample[kind]).filter(Boolean))].sort().map((value) => [value, words(value)]);
}

function facet(id, any, keys, options) {
  return new Facet(id, any, entries, ({ sample }) => keys(sample), options);
}

const stages = [...new Set(entries.filter(({ sample }) => sample.failed).map(({ sample }) => sample.failure[0]))].sort();
const names = [...new Set(entries.flatMap(({ sample }) => (sample.scores ?? []).map(([name]) => name)))];
const codes = Object.entries(data.codes).map(([code, [what, severity]]) => [code, `${severity}: ${what}`]).sort(([, a], [, b]) => (a < b ? -1 : 1));
const facets = [
  facet("state", "State", stateOf, [["ok", "answered"], ["failed", "failed"], ...stages.map((stage) => [`failed:${stage}`, `failed: ${words(stage)}`]), ["scene", "contradicted by the images"]]),
  facet("finding", "Finding", findingKeys, [["any", "any finding"], ["errors", "any error"], ["warnings", "any warning"], ["notes", "any note"], ...codes]),
  facet("judge", "Judge", judgeKeys, [["judged", "judged"], ["low", `any score of ${data.poor} or less`], ...names.map((name) => [name, `${name} ${data.poor} or less`]), ...names.flatMap((name) => [1, 2, 3, 4, 5].map((score) => [`${name}:${score}`, `${name} ${score}`]))]),
  facet("type", "Types", typeKeys, [["other", "other than planned"], ["scenario", "other scenario than planned"], ["response", "other response than planned"], ["same", "as planned"]]),
  facet("scenario", "Scenario", ({ scenario }) => (scenario ? [scenario] : []), valuesOf("scenario")),
  facet("response", "Response", ({ response }) => (response ? [response] : []), valuesOf("response")),
  facet("scope", "Scope", ({ scope }) => [scope], data.scopes.map((name) => [name, words(name)])),
  facet("skill", "Skill", ({ skill }) => [data.skills[skill]], [...new Set(data.skills)].map((name) => [name, name])),
  new Facet("episode", "Episode", entries, ({ episode }) => [episode.index], data.episodes.map(({ index, id }) => [index, id])),
];

/** Return the samples in groups with the same key, in order. */
function grouped(samples, key) {
  const groups = new Map();
  for (const sample of samples) {
    const own = key(sample);
    if (groups.has(own)) groups.get(own).push(sample);
    else groups.set(own, [sample]);
  }
  return [...groups.values()];
}

function placeOf({ episode, sample }) {
  return [["ep", episode.index], ["frame", sample.frame], ["id", `${sample.scope}.${sample.variant[0]}`]];
}

function placeLink(episode, sample) {
  return `#${new URLSearchParams(placeOf({ episode, sample }))}`;
}

/** Draw the exchanges of an episode in a row for each scope, its skills, and the samples that fit the filters. */
function head(episode, matching) {
  const timeline = new Timeline(episode, (time) => clock(episode, time));
  const lasting = episode.samples.filter((sample) => sample.until !== undefined);
  for (const scope of data.scopes) {
    const ofScope = lasting.filter((sample) => sample.scope === scope);
    const blocks = grouped(ofScope, ({ from, until }) => `${from} ${until}`).map((wordings) => {
      const [first] = wordings;
      const tip = [`${words(scope)}, ${period(episode, first.from, first.until)}`, ...wordings.map((sample) => sample.user)].join("\n");
      return { from: first.from, until: first.until, names: [first.user], tip, href: placeLink(episode, first), style: `exchange of-${scope}` };
    });
    const present = new Set(blocks.map(({ from, until }) => `${from} ${until}`));
    const others = episode.others.filter(([name, from, until]) => name === scope && !present.has(`${from} ${until}`));
    for (const [, from, until] of others) {
      const tip = `${words(scope)}, ${period(episode, from, until)}; its samples are not in this page`;
      blocks.push({ from, until, names: [], tip, href: `#ep=${episode.index}`, style: `exchange of-${scope}` });
    }
    if (blocks.length) timeline.blocks(words(scope), blocks.sort((a, b) => a.from - b.from || a.until - b.until));
  }
  const firstOf = new Map(episode.samples.toReversed().map((sample) => [sample.span, sample]));
  const skill = (place) => `#${new URLSearchParams([["episode", episode.index], ["skill", data.skills[episode.spans[place][0]]]])}`;
  const order = skillsRow(timeline, (place) => (firstOf.has(place) ? placeLink(episode, firstOf.get(place)) : skill(place)));
  timeline.marks(matching.map((entry) => ({ time: entry.time, kind: kindOf(entry.sample), href: view.link(entry), tip: `${momentOf(entry)}, ${data.skills[entry.sample.skill]}` })));
  const names = legend(order, (number) => `#${new URLSearchParams([["episode", episode.index], ["skill", data.skills[number]]])}`);
  return element("div", {}, timeline.finish(episode.timed ? "seconds" : "moments"), ...[names].filter(Boolean));
}

const listing = new Listing(entries.length, card, head);
const view = new View(new Filters(entries, facets), listing, {
  sorts: { time: { label: "In order of time" }, worst: { label: "Worst first", sort: (a, b) => (b.sample.badness ?? 0) - (a.sample.badness ?? 0) } },
  placeOf,
  problem: ({ sample }) => (sample.badness ?? 0) > data.notes,
});

document.getElementById("marks").append(...MARKS.map(([kind, shape, what]) => {
  const icon = drawn("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, drawn("path", { class: `mark ${kind}`, d: shape }));
  return element("span", {}, icon, what);
}));
view.read(true);
