
const entries = data.episodes.flatMap((episode) => (episode.spans.length ? episode.spans.map((_, place) => entry(episode, place)) : [entry(episode, null)]));

/** A span of an episode, or an episode without any. */
function entry(episode, place) {
  const [skill, start, end] = place === null ? [null, 0, 0] : episode.spans[place];
  const name = place === null ? "" : data.skills[skill];
  const text = () => [episode.id, episode.task, name, episode.failed].filter(Boolean).join("\n");
  return { episode, place, skill, time: start, length: end - start, text, when: () => seconds(start) };
}

function card({ episode, place, time, length, skill }, flat) {
  if (place === null) return failure(episode, flat);
  const when = `${flat ? `${episode.id}, ` : ""}${time.toFixed(2)} to ${seconds(time + length)}, ${length.toFixed(2)} s long`;
  const link = element("a", { class: "when", href: `#${new URLSearchParams([["ep", episode.index], ["span", place]])}`, title: "A link to this span" }, when);
  const image = thumbnail(episode.images[place], `${episode.id}, ${data.skills[skill]}`);
  return element("article", { class: `card edge${huesOf(episode)[place]}`, tabindex: -1 }, element("h4", {}, link, text("span", { class: "skill" }, data.skills[skill])), image);
}

function failure(episode, flat) {
  const [stage, ...reason] = (episode.failed ?? "no skills").split(": ");
  const link = element("a", { class: "when", href: `#${new URLSearchParams([["ep", episode.index]])}`, title: "A link to this episode" }, flat ? episode.id : "the whole episode");
  return element("article", { class: "card", tabindex: -1 }, element("h4", {}, link), finding("failed", stage, reason.join(": ")));
}

function head(episode) {
  if (!episode.spans.length) return "";
  const timeline = new Timeline(episode, seconds);
  const order = skillsRow(timeline, (place) => `#${new URLSearchParams([["ep", episode.index], ["span", place]])}`);
  const names = legend(order, (skill) => `#${new URLSearchParams([["skill", data.skills[skill]]])}`);
  return element("div", {}, timeline.finish("seconds"), ...[names].filter(Boolean));
}

const listing = new Listing(entries.length, card, head);
const facets = [
  new Facet("state", "State", entries, ({ place }) => [place === null ? "failed" : "ok"], [["ok", "segmented"], ["failed", "failed"]]),
  new Facet("skill", "Skill", entries, ({ skill }) => (skill === null ? [] : [data.skills[skill]]), data.skills.map((name) => [name, name])),
  new Facet("episode", "Episode", entries, ({ episode }) => [episode.index], data.episodes.map(({ index, id }) => [index, id])),
];
const view = new View(new Filters(entries, facets), listing, {
  sorts: {
    time: { label: "In order of time" },
    short: { label: "Shortest first", sort: (a, b) => a.length - b.length },
    long: { label: "Longest first", sort: (a, b) => b.length - a.length },
  },
  placeOf: ({ episode, place }) => [["ep", episode.index], ["span", place ?? 0]],
  problem: ({ place }) => place === null,
});
view.read(true);
