import { cameraOf } from "./camera.js";

/** Plays an episode on all cameras. Its clock is the frame of the episode, `at`. */
export class Player {
  constructor(place, changed) {
    Object.assign(this, { place, changed, cameras: [], at: 0, speed: 1, loop: null, stop: null, resume: false });
  }

  get playing() {
    return this.stop !== null;
  }

  open(episode) {
    this.pause();
    for (const camera of this.cameras) camera.close();
    Object.assign(this, { episode, at: 0, loop: null, last: episode.times.length - 1 });
    this.cameras = episode.cameras.map((described) => cameraOf(episode, described));
    this.cameras.forEach((camera, position) => {
      camera.onError = () => this.replace(position);
    });
    this.place.replaceChildren(...this.cameras.map((camera) => camera.figure));
  }

  /** Show a camera by single frames whose video the browser cannot play after all. */
  replace(position) {
    const { type, ...rest } = this.episode.cameras[position];
    const [old, made] = [this.cameras[position], cameraOf(this.episode, rest)];
    this.cameras[position] = made;
    old.figure.replaceWith(made.figure);
    made.show(this.at);
  }

  /** Show a frame on all cameras, and resolve when it is shown. */
  async seek(frame) {
    this.at = Math.min(Math.max(frame, 0), this.last);
    const resume = this.playing || this.resume;
    this.pause();
    this.resume = resume;
    const { at } = this;
    await Promise.all(this.cameras.map((camera) => camera.show(at)));
    if (this.resume && this.at === at) this.play();
  }

  toggle() {
    if (this.playing || this.resume) {
      this.pause();
      this.seek(this.at);
    } else this.play();
  }

  pause() {
    this.stop?.();
    this.stop = null;
    this.resume = false;
    for (const camera of this.cameras) camera.pause();
    this.changed();
  }

  async play() {
    this.resume = false;
    if (this.at >= this.last) await this.seek(0);
    const videos = this.cameras.filter((camera) => camera.plays);
    this.stop = videos.length ? this.byVideo(videos) : this.byClock();
    for (const camera of videos) {
      camera.video.playbackRate = this.speed;
      // A seek that ends it before it begins is no error.
      camera.video.play().catch(() => {});
    }
    this.changed();
  }

  byVideo([master, ...others]) {
    return master.watch((frame) => {
      for (const camera of others) camera.follows(master, this.speed);
      this.advance(frame);
    });
  }

  /** Play cameras without a video: the next frame when its time has come and all cameras have shown the last one. */
  byClock() {
    let handle = null;
    let [from, began] = [this.at, performance.now()];
    const step = async (now) => {
      const frame = from + Math.floor(((now - began) / 1000) * this.episode.fps * this.speed);
      if (frame > this.at + 10) [from, began] = [this.at, now];
      else if (frame > this.at) this.advance(frame);
      await Promise.all(this.cameras.map((camera) => camera.busy));
      if (handle !== null) handle = requestAnimationFrame(step);
    };
    handle = requestAnimationFrame(step);
    return () => {
      cancelAnimationFrame(handle);
      handle = null;
    };
  }

  advance(frame) {
    if (this.loop && frame >= Math.min(this.loop[1], this.last)) {
      this.seek(this.loop[0]);
    } else if (frame >= this.last) {
      this.pause();
      this.seek(this.last);
    } else {
      this.at = Math.max(frame, 0);
      for (const camera of this.cameras) if (!camera.plays) camera.show(this.at);
      this.changed();
    }
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const camera of this.cameras) if (camera.plays) camera.video.playbackRate = speed;
    if (this.playing && !this.cameras.some((camera) => camera.plays)) {
      this.pause();
      this.play();
    }
  }
}
