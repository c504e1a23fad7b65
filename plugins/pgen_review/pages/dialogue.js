import { byId, element, number, speech, text, words } from "./dom.js";

/** The highest score that is marked as poor, and the most later skills that are named. */
const [POOR, SKILLS] = [2, 3];

/** Shows the skill of a frame, the dialogue that labels it, and the others in force or selected. */
export class DialoguePanel {
  constructor(onSelect) {
    Object.assign(this, { onSelect, selected: null, label: null, empty: "No dialogue labels this frame." });
    byId("dialogue").addEventListener("click", ({ target }) => {
      const id = target.matches(".select") && Number(target.closest(".sample").dataset.id);
      const sample = id !== false && this.episode.samples.find((other) => other.id === id);
      if (sample) this.onSelect(sample);
    });
  }

  /** Say in a heading what is shown, and what a frame without a dialogue means. */
  describe(heading, empty) {
    byId("dialogue-heading").textContent = heading;
    this.empty = empty;
  }

  draw(episode, selected) {
    Object.assign(this, { episode, selected, shown: null });
  }

  /** Show what belongs to a frame; return whether that is something else than before. */
  show(frame) {
    const { samples, labels, spans } = this.episode;
    const stretch = labels.find(([start, stop]) => frame >= start && frame < stop);
    const span = spans.find(({ start, stop }) => frame >= start && frame < stop);
    const inForce = samples.filter(({ start, stop }) => stop !== null && frame >= start && frame < stop);
    const key = [stretch?.join(), span?.start, inForce.map(({ id }) => id), this.selected?.id].join(";");
    if (key === this.shown) return false;
    this.shown = key;
    const label = stretch && stretch[2] !== null ? samples[stretch[2]] : null;
    const skill = span ? `${span.name}${span.failed ? " (failed)" : ""}` : "no skill";
    byId("skill").replaceChildren(element("b", {}, "skill"), ` ${skill}`);
    const spoken = stretch && !stretch[3] ? "The utterance is over here: the label is the prompt without it." : null;
    byId("label").replaceChildren(...[
      label ? card(label) : text("p", { class: "quiet" }, this.empty),
      spoken && text("p", { class: "quiet" }, spoken),
    ].filter(Boolean));
    this.label = label;
    const { selected } = this;
    const here = selected && selected !== label ? [element("h3", { class: "reading" }, "Selected in the queue"), card(selected, "reading")] : [];
    const others = inForce.filter((sample) => sample !== label && sample !== selected);
    const list = others.length ? [element("h3", {}, `Also in force (${others.length})`), ...others.map((sample) => card(sample))] : [];
    byId("others").replaceChildren(...here, ...list);
    return true;
  }
}

function card(sample, shown = "") {
  const reach = sample.stop === null ? `frame ${sample.frame}` : `frames ${sample.start} to ${sample.stop - 1}`;
  const [first, ...later] = sample.skills;
  const then = later.length > SKILLS ? `then ${number(later.length)} more skills` : later.map((name) => `then ${name}`).join("; ");
  return element(
    "article",
    { class: `sample ${shown}`, "data-id": sample.id },
    ...(sample.user === null ? [] : [speech("user", sample.user), speech("robot", sample.robot)]),
    ...problems(sample),
    text("p", { class: "quiet" }, `${sample.scope}, ${reach}: ${[first, then].filter(Boolean).join("; ")}`),
    text("p", { class: "quiet" }, types(sample)),
    element("button", { type: "button", class: "select editing" }, "Select"),
  );
}

/** Return the types and the scores in a line. */
function types({ scenario, response, planned, scores }) {
  const marks = scores.map(([name, score]) => `${name} ${score}`);
  const named = [...[scenario, response].filter(Boolean).map(words), ...marks].join(", ");
  const other = Object.values(planned).map(words).join(", ");
  return other ? `${named} (planned: ${other})` : named;
}

/** Return why there is no dialogue, what checks reported, and the low scores of a judge. */
export function problems({ failure, findings: reported, scores, chosen, skills, added, user }) {
  const made = findings(reported);
  if (added && user === null) made.unshift(finding("failed", "no dialogue yet", "its span was edited"));
  if (failure) made.unshift(finding("failed", failure.scene ? "the images contradict the labels" : words(failure.stage), failure.reason));
  const poor = scores.filter(([, score]) => score <= POOR);
  made.push(...poor.map(([name, score, reason]) => finding("poor", `${name} ${score} of 5`, reason)));
  if (chosen && chosen !== skills[0]) made.push(finding("poor", "the judge chose another skill", chosen));
  return made;
}

/** Return what checks reported. */
export function findings(reported) {
  return reported.map(([severity, what, why]) => finding(severity, `${severity}: ${what}`, why));
}

function finding(severity, what, why) {
  return element("p", { class: `finding ${severity}` }, element("b", {}, what), text("span", {}, why));
}
