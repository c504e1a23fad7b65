
const ROW = 20;
const BIN = 12;
const DENSITY = 22;
const NAMES = 76;
/** The kinds of marks, worst first: each with its shape around (0, 0), and in words. */
const MARKS = [
  ["flagged", "M0 -6 6 5H-6Z", "flagged: an error or a warning"],
  ["poor", "M0 6 6 -5H-6Z", "judged poor"],
  ["scene", "M0 -6.5 6.5 0 0 6.5 -6.5 0Z", "contradicted by the images"],
  ["failed", "M-5 -3 -3 -5 0 -2 3 -5 5 -3 2 0 5 3 3 5 0 2 -3 5 -5 3 -2 0Z", "failed"],
  ["note", "M-4 -4H4V4H-4Z", "flagged: a note"],
  ["fine", "M0 -3.5A3.5 3.5 0 1 1 0 3.5 3.5 3.5 0 1 1 0 -3.5Z", "nothing found"],
];
const RANK = new Map(MARKS.map(([name], place) => [name, place]));
const ruler = document.createElement("canvas").getContext("2d");
ruler.font = `12px ${getComputedStyle(document.body).fontFamily}`;

/** The colours of an episode's spans by number: by skill, but never that of the span before. */
function huesOf(episode) {
  episode.hues ??= episode.spans.reduce((hues, [skill]) => {
    const hue = skill % HUES;
    return [...hues, hue === hues.at(-1) ? (hue + 1) % HUES : hue];
  }, []);
  return episode.hues;
}

/** Return the width of a label in pixels. */
function widthOf(label) {
  return ruler.measureText(label).width + 10;
}

/** A drawing of an episode over its time. Rows are added from above; everything in them is a link. */
class Timeline {
  /** The width of the list, which is measured once, because that lays out the page; null after a change. */
  static available = null;

  constructor(episode, format) {
    Timeline.available ??= list.clientWidth;
    const width = Math.max(120, Timeline.available - NAMES);
    const scale = width / (episode.end - episode.start || 1);
    this.at = (time) => (time - episode.start) * scale;
    Object.assign(this, { episode, format, width, height: 0, row: 0, names: [] });
    this.svg = drawn("svg", { class: "timeline", width, role: "group", "aria-label": `Timeline of ${episode.id}` });
    this.svg.addEventListener("keydown", (event) => this.move(event));
  }

  /** Begin a row with its name; return its upper edge. */
  begin(name, height) {
    const top = this.height;
    this.names.push(element("span", { class: `tall${height}` }, name));
    this.height += height;
    this.row += 1;
    return top;
  }

  /** Draw a link. Its title is its name, which contains the text that is drawn: people speak that to follow it. */
  link(href, tip, x, ...shapes) {
    const link = drawn("a", { href, "data-row": this.row, "data-x": Math.round(x), tabindex: this.svg.querySelector("a") ? -1 : 0 });
    const text = shapes.map((shape) => shape.textContent).join("");
    link.append(drawn("title", {}, tip.includes(text) ? tip : `${text}: ${tip}`), ...shapes);
    this.svg.append(link);
    return link;
  }

  /** Draw a row of blocks {from, until, names, tip, href, style}. `names` are labels, the longest that fits is drawn.
   * Blocks too narrow to be told apart are drawn as one. */
  blocks(name, blocks) {
    const drawnBlocks = merged(blocks, this.at);
    for (const lane of lanes(drawnBlocks)) {
      const top = this.begin(lane === drawnBlocks || lane[0] === drawnBlocks[0] ? name : "", ROW);
      for (const { from, until, names, tip, href, style } of lane) {
        const [left, right] = [this.at(from), this.at(until)];
        const box = drawn("rect", { class: style, x: left + 0.5, y: top + 1, width: Math.max(1, right - left - 1), height: ROW - 4, rx: 2 });
        const label = names.find((each) => widthOf(each) <= right - left);
        const shapes = label === undefined ? [box] : [box, drawn("text", { x: left + 5, y: top + 13 }, label)];
        this.link(href, tip, (left + right) / 2, ...shapes);
      }
    }
  }

  /** Draw what is not covered by any span as gaps in the row that was drawn last. */
  gaps() {
    const top = this.height - ROW;
    const edges = [[0, this.episode.start], ...this.episode.spans.map(([, start, end]) => [start, end]), [this.episode.end, 0]];
    for (let place = 1; place < edges.length; place += 1) {
      const [from, until] = [edges[place - 1][1], edges[place][0]];
      if (this.at(until) - this.at(from) < 2) continue;
      const tip = drawn("title", {}, `no skill, ${this.format(from)} to ${this.format(until)}`);
      this.svg.append(drawn("rect", { class: "gap", x: this.at(from) + 1, y: top + 3, width: this.at(until) - this.at(from) - 2, height: ROW - 8 }, tip));
    }
  }

  /** Draw a mark at each moment; where they would overlap, the worst of each stretch above bars of how many there are.
   * `points` are {time, kind, href, tip}. */
  marks(points) {
    const bins = new Map();
    for (const point of points) {
      const bin = Math.floor(this.at(point.time) / BIN);
      bins.set(bin, [...(bins.get(bin) ?? []), point]);
    }
    const dense = [...bins.values()].some((bin) => new Set(bin.map(({ time }) => time)).size > 1);
    const top = this.begin("samples", ROW);
    for (const [bin, inside] of bins) {
      const worst = inside.reduce((a, b) => (RANK.get(b.kind) < RANK.get(a.kind) ? b : a));
      if (dense && worst.kind === "fine") continue;
      const x = dense ? (bin + 0.5) * BIN : this.at(worst.time);
      const inner = Math.max(6, Math.min(this.width - 6, x));
      const shape = drawn("path", { class: `mark ${worst.kind}`, d: MARKS[RANK.get(worst.kind)][1], transform: `translate(${inner.toFixed(1)} ${top + 9})` });
      this.link(worst.href, tipOf(inside, worst), inner, shape);
    }
    if (dense) this.density(bins);
  }

  density(bins) {
    const top = this.begin("density", ROW + 4);
    const most = Math.max(...[...bins.values()].map((bin) => bin.length));
    for (const [bin, inside] of bins) {
      let y = top + DENSITY;
      const shapes = [...MARKS].reverse().map(([kind]) => {
        const tall = (DENSITY * inside.filter((point) => point.kind === kind).length) / most;
        y -= tall;
        return tall ? drawn("rect", { class: `mark ${kind}`, x: bin * BIN + 1, y: y.toFixed(1), width: BIN - 2, height: tall.toFixed(1) }) : null;
      });
      this.link(inside[0].href, tipOf(inside, inside[0]), (bin + 0.5) * BIN, ...shapes.filter(Boolean));
    }
  }

  /** Draw the axis, and return the whole. */
  finish(unit) {
    const top = this.begin(unit, ROW);
    const { start, end } = this.episode;
    const step = stepOf((end - start) / Math.max(1, this.width / 70));
    this.svg.append(drawn("line", { x1: 0, x2: this.width, y1: top + 1.5, y2: top + 1.5 }));
    for (let time = Math.ceil(start / step) * step; time <= end + 1e-9; time += step) {
      const x = this.at(time);
      const anchor = x < 12 ? "start" : x > this.width - 12 ? "end" : "middle";
      this.svg.append(drawn("line", { x1: x, x2: x, y1: top + 1.5, y2: top + 5.5 }), drawn("text", { class: "tick", x, y: top + 16, "text-anchor": anchor }, Number(time.toFixed(3)).toString()));
    }
    this.here = drawn("line", { class: "here", y1: 0, y2: top });
    this.here.setAttribute("visibility", "hidden");
    this.svg.append(this.here);
    this.svg.setAttribute("height", this.height);
    this.svg.timeline = this;
    return element("div", { class: "rows", "data-episode": this.episode.index }, element("div", { class: "names", "aria-hidden": "true" }, ...this.names), this.svg);
  }

  point(time) {
    this.here.setAttribute("x1", this.at(time));
    this.here.setAttribute("x2", this.at(time));
    this.here.setAttribute("visibility", "visible");
  }

  /** Move the focus with the arrow keys: along a row, or to the closest in another one. */
  move(event) {
    const own = event.target.closest("a");
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!own || !steps) return;
    const [x, row] = [Number(own.dataset.x), Number(own.dataset.row)];
    const links = [...this.svg.querySelectorAll("a")].map((link) => ({ link, x: Number(link.dataset.x), row: Number(link.dataset.row) }));
    const wanted = steps[0] ? closestRow(links, row, steps[0]) : links.filter((it) => it.row === row && (it.x - x) * steps[1] > 0);
    const next = wanted.toSorted((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0];
    event.preventDefault();
    if (!next) return;
    own.setAttribute("tabindex", -1);
    next.link.setAttribute("tabindex", 0);
    next.link.focus();
  }
}

function closestRow(links, row, step) {
  const rows = links.map((link) => link.row).filter((other) => (other - row) * step > 0);
  const next = step > 0 ? Math.min(...rows) : Math.max(...rows);
  return links.filter((link) => link.row === next);
}

function tipOf(inside, worst) {
  const counts = MARKS.map(([kind, , what]) => [inside.filter((point) => point.kind === kind).length, what]).filter(([count]) => count);
  return [worst.tip, ...counts.map(([count, what]) => `${number(count)} ${what}`)].join("\n");
}

/** Return 1, 2 or 5 times a power of ten that is at least `least`. */
function stepOf(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9));
}

/** Join neighbouring blocks that are narrower than a few pixels. */
function merged(blocks, at) {
  const joined = [];
  for (const block of blocks) {
    const last = joined.at(-1);
    if (last && at(block.until) - at(last.from) < 4 && block.from >= last.from) {
      const count = (last.count ?? 1) + 1;
      joined[joined.length - 1] = { ...last, until: Math.max(last.until, block.until), count, tip: `${number(count)} here, the first: ${last.first ?? last.tip}`, first: last.first ?? last.tip };
    } else joined.push(block);
  }
  return joined;
}

/** Distribute blocks over rows in which none overlaps another. */
function lanes(blocks) {
  const rows = [];
  for (const block of blocks) {
    const row = rows.find((each) => each.at(-1).until <= block.from + 1e-6);
    if (row) row.push(block);
    else rows.push([block]);
  }
  return rows;
}

/** Draw the skills of an episode as a row; `hrefOf` gives the link of a span. Return the skills in their order if some
 * name does not fit, so that numbers stand for them. */
function skillsRow(timeline, hrefOf) {
  const { episode, format } = timeline;
  const order = [...new Set(episode.spans.map(([skill]) => skill))];
  const hues = huesOf(episode);
  const blocks = episode.spans.map(([skill, from, until], place) => {
    const name = data.skills[skill];
    const names = [name, String(order.indexOf(skill) + 1)];
    return { from, until, names, tip: `${name}, ${format(from)} to ${format(until)}`, href: hrefOf(place), style: `hue${hues[place]}` };
  });
  timeline.blocks("skills", blocks);
  timeline.gaps();
  return blocks.some(({ names, from, until }) => widthOf(names[0]) > timeline.at(until) - timeline.at(from)) ? order : [];
}

/** Return the names of the skills by the numbers that stand for them in a timeline, as a list that can be closed. */
function legend(order, hrefOf) {
  if (!order.length) return null;
  const items = order.map((skill) => element("li", {}, element("a", { href: hrefOf(skill) }, text("span", {}, data.skills[skill]))));
  const open = window.innerWidth > 640 ? { open: "" } : {};
  return element("details", { class: "legend", ...open }, element("summary", {}, "Skills by number"), element("ol", {}, ...items));
}

/** Show in the timeline of its episode where an entry is. */
function pointAt(entry) {
  for (const { timeline } of list.querySelectorAll(".timeline")) {
    if (timeline.episode === entry.episode && entry.time !== undefined) timeline.point(entry.time);
    else timeline.here.setAttribute("visibility", "hidden");
  }
}
