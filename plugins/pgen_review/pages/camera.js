import { element, text } from "./dom.js";

const WAIT = 800;
const AHEAD = 30;

/** Return a camera of an episode, which shows any frame of it: from a video, from single frames, or only a note. */
export function cameraOf(episode, described) {
  if (described.note) return new Note(described);
  if (described.type && document.createElement("video").canPlayType(described.type)) return new Video(episode, described);
  return new Frames(episode, described);
}

class Camera {
  constructor({ name }, shown) {
    this.figure = element("figure", { class: "camera", "data-frame": "" }, shown, text("figcaption", {}, name));
    this.wanted = null;
    this.busy = null;
  }

  /** Show a frame, and resolve when it or a newer one is shown; of several calls at once, the last counts. */
  show(frame) {
    this.wanted = frame;
    this.busy ??= this.follow().finally(() => (this.busy = null));
    return this.busy;
  }

  async follow() {
    while (this.wanted !== null) {
      const frame = this.wanted;
      this.wanted = null;
      await this.bring(frame);
    }
  }

  shown(frame) {
    this.figure.dataset.frame = frame;
  }

  pause() {}

  close() {}
}

class Note extends Camera {
  constructor(described) {
    super(described, text("p", { class: "note" }, described.note));
  }

  async bring() {}
}

class Video extends Camera {
  constructor(episode, described) {
    const video = element("video", { src: `/video/${described.number}/${described.file}`, preload: "auto", playsinline: "", tabindex: "-1" });
    video.muted = true;
    super(described, video);
    Object.assign(this, { video, from: described.from, rate: described.rate, last: episode.times.length - 1 });
    this.plays = true;
    this.ready = new Promise((resolve) => {
      video.addEventListener("loadeddata", resolve, { once: true });
      video.addEventListener("error", resolve, { once: true });
    });
    video.addEventListener("error", () => this.onError?.());
  }

  /** Return the frame of a time of the video. */
  frameAt(time) {
    return Math.round((time - this.from) * this.rate);
  }

  /** The middle of a frame: its edges are rounded differently in each file. */
  timeOf(frame) {
    return this.from + (frame + 0.5) / this.rate;
  }

  async bring(frame) {
    await this.ready;
    if (this.video.error || Number(this.figure.dataset.frame || NaN) === frame) return;
    await new Promise((resolve) => {
      let timer = null;
      const presented = (_, { mediaTime }) => {
        this.shown(this.frameAt(mediaTime));
        if (this.frameAt(mediaTime) === frame) end();
        else handle = this.video.requestVideoFrameCallback(presented);
      };
      const end = () => {
        clearTimeout(timer);
        this.video.cancelVideoFrameCallback(handle);
        resolve();
      };
      let handle = this.video.requestVideoFrameCallback(presented);
      // A page in the background presents no frames, and the frame that is shown is not presented again.
      timer = setTimeout(() => {
        this.shown(frame);
        end();
      }, WAIT);
      this.video.currentTime = this.timeOf(frame);
    });
  }

  /** Call back with each frame that is presented, until the function that is returned is called. */
  watch(callback) {
    let handle = null;
    const presented = (_, { mediaTime }) => {
      const frame = this.frameAt(mediaTime);
      this.shown(frame);
      handle = this.video.requestVideoFrameCallback(presented);
      callback(frame);
    };
    handle = this.video.requestVideoFrameCallback(presented);
    return () => this.video.cancelVideoFrameCallback(handle);
  }

  /** Correct the speed of a playing video that is off by more than a frame and a half, and seek one far off. */
  follows(master, speed) {
    const off = (this.video.currentTime - this.from - (master.video.currentTime - master.from)) * this.rate;
    if (Math.abs(off) > 6) this.video.currentTime = master.video.currentTime - master.from + this.from;
    this.video.playbackRate = Math.abs(off) > 1.5 ? speed * (off > 0 ? 0.9 : 1.1) : speed;
  }

  pause() {
    if (this.video.paused) return;
    this.video.pause();
    // It may still present the next frame.
    this.shown("");
  }

  close() {
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}

class Frames extends Camera {
  constructor(episode, described) {
    const canvas = element("canvas", { width: 640, height: 480, role: "img", "aria-label": described.name });
    super(described, canvas);
    Object.assign(this, { canvas, path: `/frame/${episode.index}/${described.number}`, last: episode.times.length - 1 });
    this.loaded = new Map();
  }

  async bring(frame) {
    for (const number of this.loaded.keys()) {
      if (number < frame || number > frame + AHEAD) this.loaded.delete(number);
    }
    for (let number = frame; number <= Math.min(frame + AHEAD, this.last); number++) {
      if (!this.loaded.has(number)) this.loaded.set(number, this.load(number));
    }
    const picture = await this.loaded.get(frame);
    if (picture) {
      Object.assign(this.canvas, { width: picture.width, height: picture.height });
      this.canvas.getContext("2d").drawImage(picture, 0, 0);
    }
    this.figure.classList.toggle("unreadable", !picture);
    this.shown(frame);
  }

  async load(frame) {
    const response = await fetch(`${this.path}/${frame}.jpg`);
    return response.ok ? createImageBitmap(await response.blob()) : null;
  }
}
