import { cameraOf } from "./camera.js";
import { byId } from "./dom.js";

/** Plays an episode on all cameras. Its clock is the frame of the episode, `at`. It calls `changed` whenever the frame
 * changes, and `stays` once all cameras show it and do not play. */
export class Player {
  constructor(place, changed, stays) {
    Object.assign(this, { place, changed, stays, cameras: [], at: 0, shown: null, speed: 1, loop: null, stop: null, resume: false });
    // A larger camera needs a larger picture.
    this.resized = new ResizeObserver(() => this.show(this.at));
  }

  get playing() {
    return this.stop !== null;
  }

  open(episode) {
    this.pause();
    for (const camera of this.cameras) camera.close();
    const cameras = episode.cameras.map((described) => cameraOf(episode, described));
    Object.assign(this, { episode, cameras, at: 0, shown: null, loop: null, last: episode.times.length - 1, show: inOrder((frame) => this.bring(cameras, frame)) });
    // What the browser cannot play after all goes on as pictures.
    for (const camera of cameras) camera.onError = () => this.playing && this.seek(this.at);
    this.place.replaceChildren(...cameras.map((camera) => camera.figure));
    this.resized.disconnect();
    for (const { figure } of cameras) this.resized.observe(figure);
  }

  /** Show a frame on all cameras whose videos do not play, at the same time. */
  async bring(cameras, frame) {
    const waiting = cameras.filter((camera) => !camera.playing);
    const ahead = this.playing || frame === this.shown + 1;
    for (const show of await Promise.all(waiting.map((camera) => camera.bring(frame, ahead)))) show();
    this.shown = frame;
  }

  /** Show a frame on all cameras, and resolve when it or a newer one is shown. What plays goes on from there. */
  async seek(frame) {
    this.at = Math.min(Math.max(frame, 0), this.last);
    this.halt(this.playing || this.resume);
    const { at, cameras } = this;
    const plays = () => this.resume && this.at === at && this.cameras === cameras;
    // The server decodes the pictures while the rest of the page is drawn.
    const shown = this.show(at);
    this.changed();
    await shown;
    if (this.at !== at || this.cameras !== cameras) return;
    if (!this.playing && !this.resume) this.stays();
    // Videos that do not play stay where they are: their seeks take longer than pictures, and would delay the next ones.
    if (plays()) await Promise.all(cameras.map((camera) => camera.cue(at)));
    if (plays()) this.start();
  }

  toggle() {
    const resume = !(this.playing || this.resume);
    this.halt(resume);
    this.seek(resume && this.at >= this.last ? 0 : this.at);
  }

  pause() {
    this.halt(false);
    this.changed();
  }

  /** Stop; with `resume`, only until the cameras show the frame that is sought. */
  halt(resume) {
    this.stop?.();
    Object.assign(this, { stop: null, resume });
    for (const camera of this.cameras) camera.pause();
  }

  start() {
    this.resume = false;
    const videos = this.cameras.filter((camera) => camera.plays);
    this.stop = videos.length ? () => {} : this.byClock();
    const [master, ...others] = videos;
    for (const camera of others) camera.play(this.speed, () => {});
    master?.play(this.speed, (frame) => {
      for (const camera of others) camera.follows(master, this.speed);
      this.advance(frame);
    });
    this.changed();
  }

  /** Play cameras without a video: the next frame when its time has come and all cameras have shown the last one. */
  byClock() {
    let handle = null;
    let [from, began] = [this.at, performance.now()];
    const step = async (now) => {
      const frame = from + Math.floor(((now - began) / 1000) * this.episode.fps * this.speed);
      if (frame > this.at + 10) [from, began] = [this.at, now];
      else if (frame > this.at) await this.advance(frame);
      if (handle !== null) handle = requestAnimationFrame(step);
    };
    handle = requestAnimationFrame(step);
    return () => {
      cancelAnimationFrame(handle);
      handle = null;
    };
  }

  /** Go on to a frame, and resolve when all cameras show it. */
  async advance(frame) {
    if (this.loop && frame >= Math.min(this.loop[1], this.last)) {
      this.seek(this.loop[0]);
    } else if (frame >= this.last) {
      this.pause();
      this.seek(this.last);
    } else {
      this.at = Math.max(frame, 0);
      this.changed();
      await this.show(this.at);
    }
  }

  setSpeed(speed) {
    this.speed = speed;
    const videos = this.cameras.filter((camera) => camera.playing);
    for (const { video } of videos) video.playbackRate = speed;
    if (this.playing && !videos.length) this.seek(this.at);
  }
}

/** Return a function that does something for one value after the other; of several values at once, the last counts. */
function inOrder(work) {
  let wanted = null;
  let busy = null;
  const follow = async () => {
    while (wanted !== null) {
      const value = wanted;
      wanted = null;
      await work(value);
    }
  };
  return (value) => {
    wanted = value;
    busy ??= follow().finally(() => (busy = null));
    return busy;
  };
}

/** Enlarge the next camera; after the last one, all have the same size again. */
export function enlarge() {
  const figures = [...byId("cameras").children];
  const large = figures.findIndex((figure) => figure.classList.contains("large"));
  figures[large]?.classList.remove("large");
  figures[large + 1]?.classList.add("large");
}
