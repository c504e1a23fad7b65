import { MARKS as STATES, byId, drawn, element, number } from "./dom.js";
import { edgesOf } from "./spans.js";

const HUES = 8;
const SCOPES = ["episode", "phase", "step", "standing"];
/** Heights of the rows. */
const [LABELS, ROW, MARKS, SKILLS, AXIS] = [20, 14, 18, 26, 18];
const SHAPES = {
  problem: "M0 -6L6 5L-6 5Z",
  failed: "M-5 -5L5 5M5 -5L-5 5",
  stale: "M4 -2A4 4 0 1 0 4 2M4 -6V-2H0",
  open: "M-4 -4H4V4H-4Z",
  rejected: "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0M-3 3L3 -3",
  edited: "M0 -6L6 0L0 6L-6 0Z",
  accepted: "M-4 -4H4V4H-4Z",
};

/** Draws an episode: the label of each frame, the exchanges in force by scope, the samples, and the skills. With
 * `onEdge`, the edges of spans can be dragged; the one at the frame `chosen` is selected. */
export class Timeline {
  constructor(place, onSeek) {
    Object.assign(this, { place, onSeek, onEdge: null, held: null, chosen: null });
    const move = (event) => this.onSeek(Math.floor(this.share(event) * this.frames));
    const drag = (event) => {
      this.held.exact = event.altKey;
      this.held.frame = Math.round(this.share(event) * this.frames);
      this.onEdge(this.held, false);
    };
    place.addEventListener("pointerdown", (event) => {
      place.setPointerCapture(event.pointerId);
      this.held = event.target.matches(".handle") ? { place: Number(event.target.dataset.edge), frame: null } : null;
      if (!this.held) move(event);
    });
    place.addEventListener("pointermove", (event) => event.buttons && (this.held ? drag(event) : move(event)));
    place.addEventListener("lostpointercapture", () => {
      if (this.held) this.onEdge(this.held, true);
      this.held = null;
    });
    new ResizeObserver(() => this.episode && this.draw(this.episode)).observe(place);
  }

  draw(episode) {
    Object.assign(this, { episode, frames: episode.times.length, width: this.place.clientWidth });
    const scopes = SCOPES.filter((scope) => episode.samples.some((sample) => sample.scope === scope && sample.stop !== null));
    // A segmentation has no dialogue to draw above its spans.
    const spoken = episode.item === null;
    const marks = LABELS + scopes.length * ROW + MARKS / 2;
    const skills = spoken ? marks + MARKS / 2 : 0;
    const height = skills + SKILLS + AXIS;
    const rows = [...(spoken ? [["label", LABELS], ...scopes.map((scope) => [scope, ROW]), ["samples", MARKS]] : []), ["skills", SKILLS]];
    byId("names").replaceChildren(...rows.map(([name, size]) => element("span", { class: `tall${size}` }, name)));
    const names = [...new Set(episode.spans.map((span) => span.name))];
    const common = commonStart(names);
    const described = `${names.length} skills in ${episode.spans.length} spans, ${episode.samples.length} samples`;
    const svg = drawn("svg", { class: "timeline", width: this.width, height, role: "img", "aria-label": described });
    for (const [start, stop, sample, said] of spoken ? episode.labels : []) {
      const kind = sample === null ? "silent" : `of-${episode.samples[sample].scope}`;
      svg.append(this.bar(start, stop, 2, LABELS - 5, `label ${kind}${said ? "" : " over"}`, sample === null ? "no dialogue" : episode.samples[sample].user));
    }
    scopes.forEach((scope, row) => {
      for (const { start, stop } of distinct(episode.samples.filter((sample) => sample.scope === scope && sample.stop !== null))) {
        svg.append(this.bar(start, stop, LABELS + row * ROW, ROW - 4, `exchange of-${scope}`, scope));
      }
    });
    for (const [frame, kind] of marksOf(episode.samples)) {
      svg.append(drawn("path", { class: `dot ${kind}`, d: SHAPES[kind], transform: `translate(${this.x(frame)} ${marks})` }));
    }
    for (const { name, start, stop, failed, edited, open, review } of episode.spans) {
      const notes = [failed && "failed", this.onEdge && (review ?? (edited && "edited")), this.onEdge && open && "no dialogue yet"].filter(Boolean);
      const signs = `${this.onEdge && (review || edited) ? STATES[review ?? "edited"] : ""}${this.onEdge && open ? STATES.open : ""}`;
      svg.append(this.bar(start, stop, skills, SKILLS - 4, `span hue${names.indexOf(name) % HUES}${failed ? " attempt" : ""}`, [name, ...notes.map((note) => `(${note})`)].join(" ")));
      svg.append(this.caption([signs, name.slice(common)].filter(Boolean).join(" "), start, stop, skills + 15));
    }
    for (const frame of episode.changes ?? []) {
      svg.append(drawn("line", { class: "change", x1: this.x(frame), x2: this.x(frame), y1: skills + SKILLS - 5, y2: skills + SKILLS + 2 }));
    }
    if (this.onEdge) svg.append(...edgesOf(episode.spans).map((edge, place) => this.handle(edge, place, skills)));
    this.axis(svg, height - 4);
    this.here = drawn("line", { class: "here", y1: 0, y2: height - AXIS });
    svg.append(this.here);
    this.place.replaceChildren(svg);
    this.show(this.at ?? 0);
  }

  /** Show the frames at which the robot changes. */
  mark(frames) {
    this.draw({ ...this.episode, changes: frames });
  }

  show(frame) {
    this.at = frame;
    const x = this.x(frame + 0.5);
    this.here?.setAttribute("x1", x);
    this.here?.setAttribute("x2", x);
  }

  x(frame) {
    return ((frame / this.frames) * this.width).toFixed(1);
  }

  bar(start, stop, y, height, name, title) {
    const width = Math.max(1, ((stop - start) / this.frames) * this.width - 1);
    return drawn("rect", { class: name, x: this.x(start), y, width: width.toFixed(1), height, rx: 2 }, drawn("title", {}, title));
  }

  handle({ frame }, place, y) {
    const x = Math.min(Math.max(this.x(frame) - 4, 0), this.width - 8);
    return drawn("rect", { class: `handle${frame === this.chosen ? " chosen" : ""}`, "data-edge": place, x, y: y - 2, width: 8, height: SKILLS });
  }

  /** Return how far along the episode a pointer is. */
  share({ clientX }) {
    return (clientX - this.place.getBoundingClientRect().left) / this.place.clientWidth;
  }

  caption(name, start, stop, y) {
    const room = Math.floor((((stop - start) / this.frames) * this.width - 10) / 6.5);
    const shown = name.length > room ? `${name.slice(0, Math.max(room - 1, 0))}…` : name;
    return drawn("text", { x: Number(this.x(start)) + 5, y, "aria-hidden": "true" }, room > 2 ? shown : "");
  }

  axis(svg, y) {
    const { times } = this.episode;
    const step = [0.5, 1, 2, 5, 10, 30, 60, 300, 600].find((seconds) => ((times.at(-1) - times[0]) / seconds) * 56 < this.width) ?? 3600;
    let due = Math.ceil(times[0] / step) * step;
    times.forEach((time, frame) => {
      if (time < due - 1e-6) return;
      svg.append(drawn("text", { class: "tick", x: this.x(frame), y }, `${number(Math.round(time * 10) / 10)} s`));
      due += step;
    });
  }
}

/** Return how many characters of whole words all names begin with, which would fill the room of their captions. */
function commonStart(names) {
  const split = names.map((name) => name.split(" "));
  let words = 0;
  while (names.length > 1 && split.every((own) => own.length > words + 1 && own[words] === split[0][words])) words += 1;
  return split[0]?.slice(0, words).reduce((length, word) => length + word.length + 1, 0) ?? 0;
}

/** Return the exchanges of several wordings once. */
function distinct(samples) {
  return [...new Map(samples.map((sample) => [`${sample.start}-${sample.stop}`, sample])).values()];
}

/** Return the kind of a mark: what a person decided, or what is known without one. */
function kindOf({ review, failure, badness }) {
  if (review && review.state !== "open") return review.state;
  return failure ? "failed" : badness ? "problem" : "open";
}

/** Return the frames with samples, each with the worst kind of them. */
function marksOf(samples) {
  const order = Object.keys(SHAPES);
  const kinds = new Map();
  for (const sample of samples) {
    const kind = kindOf(sample);
    const before = kinds.get(sample.frame);
    if (before === undefined || order.indexOf(kind) < order.indexOf(before)) kinds.set(sample.frame, kind);
  }
  return kinds;
}
