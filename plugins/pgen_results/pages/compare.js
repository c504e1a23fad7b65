
const names = [list.dataset.first, list.dataset.second];
const entries = data.moments.map((moment, place) => ({ moment, place, text: () => textOf(moment) }));

function textOf({ id, scope, skill, sides }) {
  return [id, scope, skill, ...sides.flatMap(({ user, robot, failure, checks }) => [user, robot, ...(failure ?? []), ...checks.flat()])].filter(Boolean).join("\n");
}

/** Return the words of both texts, each as [word, whether the other text has it at that place], by their longest common
 * sequence. */
function differences(first, second) {
  const [a, b] = [first, second].map((each) => each.split(/\s+/).slice(0, 300));
  const same = (i, j) => a[i].toLowerCase() === b[j].toLowerCase();
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) common[i][j] = same(i, j) ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  }
  const marked = [a.map((word) => [word, false]), b.map((word) => [word, false])];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (same(i, j)) [marked[0][i], marked[1][j], i, j] = [[a[i], true], [b[j], true], i + 1, j + 1];
    else if (common[i + 1][j] >= common[i][j + 1]) i += 1;
    else j += 1;
  }
  return marked;
}

/** Return what a speaker says on one side, with the words that the other side does not have. */
function spoken(speaker, sides, place) {
  const [own, other] = [sides[place][speaker], sides[1 - place][speaker]];
  if (!own || !other) return own ? speech(speaker, own) : null;
  const parts = differences(sides[0][speaker], sides[1][speaker])[place].map(([word, shared]) => text(shared ? "span" : place ? "ins" : "del", shared ? {} : { class: "only" }, word));
  const line = element("span", { dir: "auto" }, ...parts.flatMap((part) => [part, " "]));
  return element("p", { class: `speech ${speaker}` }, element("b", {}, speaker), line);
}

function side(sides, place) {
  const { types, failure, checks } = sides[place];
  return element(
    "div",
    {},
    element("p", { class: "quiet", dir: "auto" }, names[place]),
    spoken("user", sides, place),
    spoken("robot", sides, place),
    ...problems(failure, checks),
    element("p", { class: "chips" }, ...types.map((type) => chip(words(type)))),
  );
}

function placeOf({ moment }) {
  return [["ep", moment.ep], ["frame", moment.frame], ["id", `${moment.scope}.${moment.variant}`]];
}

function card(entry) {
  const { moment } = entry;
  const head = element("h3", {}, element("a", { class: "when", href: view.link(entry, false), title: "A link to this sample" }, `${moment.id}, ${moment.when}, ${moment.scope}`), text("span", {}, moment.skill));
  const image = thumbnail(moment.image, `${moment.id}, ${moment.when}`);
  const sides = element("div", { class: "sides" }, side(moment.sides, 0), side(moment.sides, 1));
  return element("article", { class: "moment", tabindex: -1 }, head, element("div", { class: image ? "body" : "body bare" }, image, sides));
}

function stateOf({ sides: [first, second] }) {
  if (first.failure || second.failure) return ["different", "failed"];
  return [first.user === second.user && first.robot === second.robot ? "same" : "different"];
}

function findingOf({ sides }) {
  const [first, second] = sides.map(({ checks }) => checks.length > 0);
  return first && second ? ["both"] : first ? ["first"] : second ? ["second"] : ["none"];
}

function distinct(key) {
  return [...new Set(data.moments.map(key))].map((value) => [value, value]);
}

const facets = [
  new Facet("state", "Words", entries, ({ moment }) => stateOf(moment), [["different", "other words"], ["same", "same words"], ["failed", "failed in one or both"]]),
  new Facet("finding", "Findings", entries, ({ moment }) => findingOf(moment), [["first", `only in ${names[0]}`], ["second", `only in ${names[1]}`], ["both", "in both"], ["none", "in none"]]),
  new Facet("scope", "Scope", entries, ({ moment }) => [moment.scope], distinct(({ scope }) => scope)),
  new Facet("skill", "Skill", entries, ({ moment }) => [moment.skill], distinct(({ skill }) => skill)),
  new Facet("episode", "Episode", entries, ({ moment }) => [moment.ep], [...new Map(data.moments.map(({ ep, id }) => [ep, id]))]),
];
const listing = new Listing(entries.length, card, null);
const view = new View(new Filters(entries, facets), listing, {
  sorts: {
    different: { label: "Most different first", sort: (a, b) => b.moment.disagreement - a.moment.disagreement },
    time: { label: "In order of time", sort: (a, b) => a.place - b.place },
  },
  placeOf,
  problem: ({ moment }) => moment.sides.some(({ failure, checks }) => failure || checks.length),
});
view.read(true);
