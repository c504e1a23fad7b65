
const LISTED = 2;
const SPEAKERS = ["user", "robot"];

function poor(sample) {
  return (sample.scores ?? []).some(([, score]) => score <= data.poor);
}

function severities(sample) {
  return (sample.checks ?? []).map(([code]) => data.codes[code][1]);
}

/** Return the kind of mark of a sample: the worst that was found. */
function kindOf(sample) {
  if (sample.failed) return "failed";
  if (sample.scene) return "scene";
  const present = severities(sample);
  if (present.some((severity) => severity !== "note")) return "flagged";
  if (poor(sample)) return "poor";
  return present.length ? "note" : "fine";
}

function clock(episode, time) {
  return episode.timed ? seconds(time) : `moment ${number(time + 1)}`;
}

function period(episode, from, until) {
  return `${from.toFixed(2)} to ${clock(episode, until)}`;
}

/** Describe when a sample is: its time and frame, and which wording of several it is. */
function momentOf({ episode, sample }) {
  const [variant, of] = sample.variant;
  const frame = `frame ${sample.frame}`;
  return [episode.timed ? seconds(sample.time) : null, frame, of > 1 ? `${variant} of ${of}` : null].filter(Boolean).join(", ");
}

/** Describe the scope of a dialogue, over which frames it is in force, and the skills after the current one. */
function reach({ episode, sample }) {
  const parts = [words(sample.scope)];
  if (sample.until !== undefined) parts.push(period(episode, sample.from, sample.until));
  if (sample.frames) parts.push(`${number(sample.frames[1] - sample.frames[0])} frames`);
  const later = (sample.skills ?? []).map((skill) => data.skills[skill]);
  const more = later.length > LISTED ? [`and ${later.length - LISTED} more`] : [];
  const then = later.length ? [`then ${[...later.slice(0, LISTED), ...more].join("; ")}`] : [];
  return text("p", { class: "quiet reach", title: later.join("; ") }, [parts.join(", "), ...then].join("; "));
}

/** Return the image of a sample's moment, or the closest one of its span with its time. */
function imageOf({ episode, sample, place }) {
  if (sample.image !== undefined) return thumbnail(sample.image, `${episode.id}, ${clock(episode, sample.time)}`);
  const same = (other) => other && other.span === sample.span;
  for (let away = 1, open = true; open; away += 1) {
    const around = [episode.samples[place - away], episode.samples[place + away]].filter(same);
    const near = around.find((other) => other.image !== undefined);
    if (near) {
      const caption = `image of ${clock(episode, near.time)}`;
      return element("figure", { class: "near" }, thumbnail(near.image, `${episode.id}, ${caption}`), element("figcaption", {}, caption));
    }
    open = around.length > 0;
  }
  return null;
}

/** Return what was found about a sample, each with its severity in words and as a colour. */
function findingsOf({ failure, checks = [], scores = [] }) {
  const low = scores.filter(([, score]) => score <= data.poor);
  return [...problems(failure, checks), ...low.map(([name, score, reason]) => finding("poor", `${words(name)} ${score} of 5`, reason))];
}

function typeChips(sample) {
  return ["scenario", "response"].filter((kind) => sample[kind]).map((kind) => {
    const planned = sample.planned?.[kind];
    const shown = planned ? `${words(sample[kind])} (planned: ${words(planned)})` : words(sample[kind]);
    return chip(shown, planned ? { class: "chip other" } : {});
  });
}

/** Return the name of the folder of the result, in which the page lies unless it was written elsewhere. */
function folderName() {
  const [folder, file] = window.location.pathname.split("/").slice(-2);
  return file === "report.html" && folder ? decodeURIComponent(folder) : "DIR";
}

/** Return a button that shows the command which plays an episode at the frame of a sample. */
function reviewButton({ episode, sample }) {
  const named = `${folderName()}#ep=${episode.index}&frame=${sample.frame}`;
  const command = `pgen review '${named.replaceAll("'", "'\\''")}'`;
  const button = element("button", { type: "button", class: "review", title: "Play this moment with pgen review" }, "review");
  button.addEventListener("click", () => openDialog("command", `${episode.id}, ${momentOf({ episode, sample })}`, text("p", {}, "Plays this moment in a browser:"), element("code", {}, command)));
  return button;
}

/** Return the card of a sample; in a list of several episodes with the name of its own. */
function card(entry, flat) {
  const { episode, sample } = entry;
  const hue = huesOf(episode)[sample.span] ?? sample.skill % HUES;
  const when = element("a", { class: "when", href: view.link(entry, false), title: "A link to this sample" }, flat ? `${episode.id}, ${momentOf(entry)}` : momentOf(entry));
  const scores = (sample.scores ?? []).map(([name, score, reason]) => chip(`${words(name)} ${score}`, { title: reason }));
  return element(
    "article",
    { class: `card edge${hue}`, tabindex: -1 },
    element("h4", {}, when, text("span", { class: "skill" }, data.skills[sample.skill])),
    reach(entry),
    imageOf(entry),
    ...SPEAKERS.filter((speaker) => sample[speaker]).map((speaker) => speech(speaker, sample[speaker])),
    ...findingsOf(sample),
    element("p", { class: "chips" }, ...typeChips(sample), ...scores, sample.chosen ? chip(`judge chose: ${sample.chosen}`) : null, data.thumbnails.length ? reviewButton(entry) : null),
  );
}
