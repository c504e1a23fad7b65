
const names = [list.dataset.first, list.dataset.second];
const state = document.getElementById("state");
const entries = data.moments.map((moment) => ({ moment, text: textOf(moment) }));

function textOf({ id, scope, skill, sides }) {
  return [id, scope, skill, ...sides.flatMap((side) => [side.user, side.robot, ...side.reasons])].filter(Boolean).join("\n").toLowerCase();
}

function inState({ sides: [first, second] }) {
  if (state.value === "failed") return first.failed || second.failed;
  return !state.value || first.user !== second.user || first.robot !== second.robot;
}

function side({ user, robot, types, reasons }, name) {
  return element(
    "div",
    {},
    element("p", { class: "quiet", dir: "auto" }, name),
    user ? speech("user", user) : null,
    robot ? speech("robot", robot) : null,
    ...reasons.map((reason) => element("p", { class: "bad", dir: "auto" }, reason)),
    element("p", { class: "chips" }, ...types.map((type) => element("span", { class: "chip" }, words(type)))),
  );
}

function show({ moment }) {
  const head = element("h4", {}, element("span", { class: "when" }, `${moment.id}, ${moment.when}, ${moment.scope}`), element("span", { dir: "auto" }, moment.skill));
  const sides = element("div", { class: "sides" }, ...moment.sides.map((each, place) => side(each, names[place])));
  const image = thumbnail(moment.image);
  list.append(element("section", { class: "moment" }, head, element("div", { class: image ? "body" : "body bare" }, image, sides)));
}

const listing = new Listing(entries, 40, show, () => list.replaceChildren());
controls((searched) => listing.filter(({ moment, text }) => inState(moment) && searched.every((word) => text.includes(word))));
