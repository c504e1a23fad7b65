
const entries = data.episodes.flatMap((episode) => (episode.spans.length ? episode.spans.map((_, place) => entry(episode, place)) : [entry(episode, null)]));
const skill = options("skill", data.skills.map((name, number) => [number, name]));
const state = document.getElementById("state");

/** A span of an episode, or an episode without any. */
function entry(episode, place) {
  const name = place === null ? "" : data.skills[episode.spans[place][0]];
  return { episode, place, text: [episode.id, episode.task, name, episode.failed].filter(Boolean).join("\n").toLowerCase() };
}

function fits(searched) {
  return ({ episode, place, text }) =>
    (!skill.value || (place !== null && episode.spans[place][0] === Number(skill.value))) &&
    (!state.value || (state.value === "failed") === (place === null)) &&
    searched.every((word) => text.includes(word));
}

function seconds(time) {
  return `${time.toFixed(1)} s`;
}

function card({ episode, place }) {
  if (place === null) return null;
  const [number, start, end] = episode.spans[place];
  const when = element("span", { class: "when", title: `${(end - start).toFixed(2)} s long` }, `${start.toFixed(1)} to ${seconds(end)}`);
  const name = element("span", { class: "skill", dir: "auto" }, data.skills[number]);
  return element("article", { class: `card edge${number % HUES}` }, element("h4", {}, when, name), thumbnail(episode.images[place]));
}

function summary(episode) {
  return episode.spans.length ? strip(episode, seconds, 26).svg : element("p", { class: "bad", dir: "auto" }, episode.failed ?? "no skills");
}

const listing = episodeListing(entries, summary, card);
controls((searched) => listing.filter(fits(searched)));
