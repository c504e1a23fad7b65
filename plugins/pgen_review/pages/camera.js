import { element, text } from "./dom.js";

/** How long a video may take until it presents a frame: a page in the background presents none. */
const WAIT = 800;
/** Frames that are requested before they are needed. */
const AHEAD = 4;
/** The widths of pictures that the server sends. */
const WIDTHS = [320, 640, 1280];

/** Return a camera of an episode. */
export function cameraOf(episode, described) {
  return described.note ? new Note(described) : new Camera(episode, described);
}

/** A camera of which there is only a note. */
class Note {
  constructor({ name, note }) {
    this.figure = element("figure", { class: "camera", "data-frame": "" }, text("p", { class: "note" }, note), text("figcaption", {}, name));
  }

  async bring() {
    return () => {};
  }

  async cue() {}

  pause() {}

  close() {}
}

/** Shows frames as pictures that the server decodes, which takes less time than a seek of a video. The video, if the
 * browser plays it, lies below the picture. It is shown while it plays, and where the server cannot decode a frame. */
class Camera {
  constructor(episode, described) {
    // The first picture takes the room that is kept for it: nothing below moves when it comes.
    const { name, number, type, size: [width, height] = [640, 480] } = described;
    Object.assign(this, described, { path: `/frame/${episode.index}/${number}`, last: episode.times.length - 1, pictures: new Map(), width: 0, aim: null, unwatch: null });
    this.canvas = element("canvas", { width, height, role: "img", "aria-label": name });
    if (type && document.createElement("video").canPlayType(type)) this.addVideo();
    this.figure = element("figure", { class: "camera", "data-frame": "" }, element("div", {}, this.video, this.canvas), text("figcaption", {}, name));
  }

  addVideo() {
    const { number, file } = this;
    this.video = element("video", { src: `/video/${number}/${file}`, preload: "none", playsinline: "", tabindex: "-1", "aria-hidden": "true" });
    this.video.muted = true;
    this.loaded = new Promise((resolve) => {
      this.video.addEventListener("loadeddata", resolve, { once: true });
      this.video.addEventListener("error", resolve, { once: true });
    });
    this.video.addEventListener("error", () => this.onError());
  }

  /** Whether the browser plays the video; some fail only once they are loaded. */
  get plays() {
    return Boolean(this.video) && !this.video.error;
  }

  /** Whether the video is playing. */
  get playing() {
    return this.unwatch !== null;
  }

  /** Load a frame, and return a function that shows it; `ahead` requests the frames behind it too. */
  async bring(frame, ahead) {
    const picture = await this.picture(frame, ahead);
    if (!picture) await this.cue(frame);
    return () => this.show(frame, picture);
  }

  /** Return the picture of a frame, not much larger than the canvas, or null where the server does not decode it. */
  picture(frame, ahead) {
    const width = WIDTHS.find((size) => size >= this.canvas.clientWidth * devicePixelRatio) ?? WIDTHS.at(-1);
    if (this.width !== width) this.pictures.clear();
    this.width = width;
    const stop = Math.min(frame + (ahead ? AHEAD : 0), this.last);
    for (const number of this.pictures.keys()) if (number < frame || number > stop) this.pictures.delete(number);
    for (let number = frame; number <= stop; number++) {
      if (!this.pictures.has(number)) this.pictures.set(number, this.load(number));
    }
    return this.pictures.get(frame);
  }

  async load(frame) {
    try {
      const response = await fetch(`${this.path}/${frame}.jpg?width=${this.width}`);
      if (response.ok) return await createImageBitmap(await response.blob());
    } catch {
      // The server has ended; the video may be loaded already.
    }
    this.pictures.delete(frame);
    return null;
  }

  show(frame, picture) {
    if (picture) {
      Object.assign(this.canvas, { width: picture.width, height: picture.height });
      this.canvas.getContext("2d").drawImage(picture, 0, 0);
    }
    this.figure.dataset.shows = picture ? "picture" : this.plays ? "undecoded" : "nothing";
    this.figure.dataset.frame = frame;
  }

  /** Return the frame of a time of the video. */
  frameAt(time) {
    return Math.round((time - this.from) * this.rate);
  }

  /** The middle of a frame: its edges are rounded differently in each file. */
  timeOf(frame) {
    return this.from + (frame + 0.5) / this.rate;
  }

  /** Bring the video to a frame, and resolve when it presents it, or cannot. */
  async cue(frame) {
    // A video that is there already presents nothing.
    if (this.plays && this.aim !== frame) Object.assign(this, { aim: frame, cued: this.present(frame) });
    await this.cued;
  }

  async present(frame) {
    this.video.preload = "auto";
    await this.loaded;
    if (!this.plays || this.aim !== frame) return;
    await new Promise((resolve) => {
      const unwatch = this.watch((presented) => (presented === frame || this.aim !== frame) && end());
      const timer = setTimeout(() => end(), WAIT);
      const end = () => {
        clearTimeout(timer);
        unwatch();
        resolve();
      };
      this.video.currentTime = this.timeOf(frame);
    });
  }

  /** Call back with each frame that the video presents, until the function that is returned is called. */
  watch(callback) {
    let handle = null;
    const presented = (_, { mediaTime }) => {
      handle = this.video.requestVideoFrameCallback(presented);
      callback(this.frameAt(mediaTime));
    };
    handle = this.video.requestVideoFrameCallback(presented);
    return () => this.video.cancelVideoFrameCallback(handle);
  }

  /** Play the video from where it was cued, and call back with each frame that it shows. */
  play(speed, callback) {
    this.aim = null;
    this.figure.dataset.shows = "video";
    this.unwatch = this.watch((frame) => {
      this.figure.dataset.frame = frame;
      callback(frame);
    });
    this.video.playbackRate = speed;
    // A seek that ends it before it begins is no error.
    this.video.play().catch(() => {});
  }

  /** Correct the speed of a playing video that is off by more than a frame and a half, and seek one far off. */
  follows(master, speed) {
    const off = (this.video.currentTime - this.from - (master.video.currentTime - master.from)) * this.rate;
    if (Math.abs(off) > 6) this.video.currentTime = master.video.currentTime - master.from + this.from;
    this.video.playbackRate = Math.abs(off) > 1.5 ? speed * (off > 0 ? 0.9 : 1.1) : speed;
  }

  pause() {
    if (!this.playing) return;
    this.unwatch();
    this.unwatch = null;
    this.video.pause();
    // It may still present the next frame.
    this.figure.dataset.frame = "";
  }

  close() {
    if (!this.video) return;
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
