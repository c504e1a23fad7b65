"""`pgen review` in headless Chromium: opening, seeking, playing, filtering, deciding, and the write to the dataset."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter

from common.review_page import Page, opened, p95, quantile
from common.review_runs import FPS, PER_EPISODE, filmed_run, many, numbered, support
from common.review_writes import copied, written, written_frames
from common.table import Row, main

type Visit = Callable[..., AbstractContextManager[Page]]
"""Opens the page of a review."""

ENCODINGS = {
    "h264-10": {"fps": 10, "gop": 2},
    "h264-29": {"fps": 29.97, "gop": 250},
    "av1-30": {"codec": "av1", "fps": 30, "gop": 30},
    "h264-50": {"fps": 50, "gop": 10},
    "vp9-20": {"fps": 20},
}
_ENCODERS = {"vp9-20": ("libvpx-vp9", {"g": "30", "deadline": "realtime"})}
_SEEK = "const time = await timed(() => seek(value), () => shows(value)); check(value); return time;"
_BARE_SEEK = f"""
  const videos = cameras().map((camera) => {{ camera.dataset.shows = 'video'; return camera.querySelector('video'); }});
  let presented = 0, began = performance.now();
  for (const video of videos) video.requestVideoFrameCallback(() => {{ presented += 1; }});
  for (const video of videos) video.currentTime = (value + 0.5) / {FPS};
  await until(() => presented === videos.length);
  return performance.now() - began;"""
"""The same seek of the videos without the player: what the browser itself needs."""
FILTERS = (
    "finding=any", "skill=pick%20up%20the%20brick", "review=open", "q=brick", "q=nothing%20has%20these%20words",
    "sort=time&scope=step", "q=b&review=open", "state=ok&sort=time", "q=pick%20up",
)  # fmt: skip


def lines(tiny: bool = False) -> Iterator[Row | str]:
    support()
    try:
        import browser
    except ImportError:
        yield "not opened: selenium is not installed"
        return
    if missing := browser.missing():
        yield f"not opened: no {' and no '.join(missing)} here"
        return
    with browser.browser() as window:
        window.offline(False)
        window.resize(1440)
        window.driver.set_script_timeout(300)
        visit = partial(opened, window, fork=tiny)
        count = 3 if tiny else 200
        seconds = 2 if tiny else 30
        yield from _seeking(visit, seconds, count)
        yield from _exact(visit, 4 if tiny else 200)
        yield from _playing(visit, 1 if tiny else 10)
        yield from _single_frames(visit, seconds, count)
        yield from _deciding(visit, seconds, 4 if tiny else 50)
        yield from _many(visit, 10 if tiny else 10_000, count)
    yield from written(2 if tiny else 100)
    yield from written_frames(2 if tiny else 2_500, 3 if tiny else 1_000)


def _seeking(visit: Visit, seconds: int, count: int) -> Iterator[Row]:
    for gop, limit in ((2, "60"), (250, "120")):
        with visit(filmed_run("h264", gop, seconds), "&ep=0&frame=0", "--read-only") as page:
            frames = Random(gop).sample(range(5, seconds * FPS - 5), min(count + 1, seconds * FPS - 10))
            times = page.times(frames, _SEEK)
            page.run("await loaded();")
            bare = {"the browser alone": f"{p95(page.times(frames, _BARE_SEEK)):.0f}"}
            yield Row(f"seek, 3 cameras, key frames every {gop}: milliseconds, p95", f"{p95(times):.0f}", limit, bare)
            if gop == 2:
                yield _first_frames(page, count, seconds * FPS)
                yield _scrubbing(page, seconds * FPS - 10)


def _first_frames(page: Page, count: int, length: int) -> Row:
    times = page.times(
        [number % 2 for number in range(min(count, 40) + 1)],
        f"""seek(9); await until(() => shows(9)); const before = byId('episode').value;
        const time = await timed(() => press(value ? 'P' : 'N'), () => byId('episode').value !== before && shows(0));
        check({length} * byId('episode').value); return time;""",
    )
    return Row(
        "first frame of 3 cameras after another episode is chosen: milliseconds, p95", f"{p95(times):.0f}", "300"
    )


def _scrubbing(page: Page, frames: int) -> Row:
    """Drag for two seconds, a frame each 16 ms."""
    shown = page.run(
        f"const frames = {frames};"
        """
      const seen = new Set(), began = performance.now();
      for (let frame = 10; performance.now() - began < 2000; frame += 2) {
        seek(frame % frames);
        await pause(16);
        if (new Set(cameras().map((camera) => camera.dataset.frame)).size === 1) seen.add(cameras()[0].dataset.frame);
      }
      return seen.size / (performance.now() - began) * 1000;"""
    )
    return Row("dragging: frames a second that all 3 cameras show, at least", f"{shown:.0f}", "15")


def _exact(visit: Visit, count: int) -> Iterator[Row]:
    from review_helpers import CAMERAS, LENGTHS, number_of

    off = total = 0
    for name, layout in ENCODINGS.items():
        folder = numbered(name, _ENCODERS.get(name), **layout)
        draw = Random(name)
        for episode, length in enumerate(LENGTHS):
            frames = [draw.randrange(length) for _ in range(count // 2)]
            with visit(folder, f"&ep={episode}&frame=0", "--read-only") as page:
                shown = page.run(f"""const read = []; for (const frame of {frames}) {{
                  seek(frame); await until(() => shows(frame)); read.push(numbers()); }} return read;""")
            right = [[number_of(episode, frame)] * len(CAMERAS) for frame in frames]
            off += sum(one != other for one, other in zip(shown, right, strict=True))
            total += len(frames)
    yield Row(f"wrong frames of {total:,} seeks: h264, AV1, VP9 at 10 to 50 frames a second", f"{off}", "0")


def _playing(visit: Visit, rounds: int) -> Iterator[Row]:
    with visit(numbered("av1-30", None, **ENCODINGS["av1-30"]), "&ep=1&frame=0", "--read-only") as page:
        apart = page.run(f"""
          const apart = [], plays = () => byId('play').textContent === 'Pause';
          for (let round = 0; round < {rounds}; round++) {{
            seek(0); await until(() => shows(0)); press(' '); await until(plays);
            await until(() => {{ const read = numbers(); if (plays()) apart.push(Math.max(...read) - Math.min(...read));
              return !plays(); }});
          }}
          return apart;""")
    yield Row("cameras apart while playing: frames, p99", f"{quantile(apart, 0.99):.0f}", "1")


def _single_frames(visit: Visit, seconds: int, count: int) -> Iterator[Row]:
    with visit(filmed_run("mpeg4", 12, seconds), "&ep=0&frame=0", "--read-only") as page:
        step = "const to = Number(byId('seek').value) + 1; return timed(() => press('.'), () => shows(to));"
        times = page.times(list(range(count + 1)), step)
    yield Row("a step, 3 cameras by single frames: milliseconds, p95", f"{p95(times):.0f}", "50")


def _deciding(visit: Visit, seconds: int, count: int) -> Iterator[Row]:
    with copied(filmed_run("h264", 2, seconds)) as folder, visit(folder, "&sort=time&review=open") as page:
        page.run("await until(() => document.querySelector('#items [aria-current]') && !byId('editor').hidden);")
        accept = """const row = document.querySelector('#items [aria-current]').parentElement;
          return timed(() => press('a'), () => { const next = document.querySelector('#items [aria-current]');
            return next && document.activeElement === next && next.parentElement === row.nextSibling
              && shows(byId('seek').value); });"""
        times = page.times(list(range(min(count, 40) + 1)), accept)
        yield Row("a decision, until the next dialogue is shown: milliseconds, p95", f"{p95(times):.0f}", "100")
        busy = page.run(f"""const began = performance.now(); for (let n = 0; n < {count // 2}; n++) press('a');
          await pause(1);
          await until(() => byId('unsaved').textContent === 'unsaved 0'
            && Number(byId('done').textContent.split(' ')[0]) >= {min(count, 40) + 1 + count // 2});
          return (performance.now() - began) / {count // 2};""")
        yield Row("dialogues decided in one go, until all are stored: milliseconds each", f"{busy:.0f}", "100")
        yield Row("an edit, until it is on the disk: milliseconds, p95", f"{p95(_edits(page, count)):.0f}", "30")


def _edits(page: Page, count: int) -> list[float]:
    from review_edits import event

    sample, times = page.client.samples(1)[-1], []
    for number in range(count):
        change = event(sample, "edit_text", user=f"Take brick {number}.", robot="I take it.")
        began = perf_counter()
        status, answer = page.client.edit(change)
        times.append(1e3 * (perf_counter() - began))
        assert status == 200, answer
        (sample["review"],) = answer["states"]
    return times


def _many(visit: Visit, episodes: int, count: int) -> Iterator[Row]:
    with visit(many(10), "", "--read-only") as page:
        yield Row(f"start of {10 * PER_EPISODE} dialogues: seconds until one is shown", f"{page.opened:.1f}", "1")
    total, folder = episodes * PER_EPISODE, many(episodes)
    shutil.rmtree(folder.with_name(f".{folder.name}.pgen"), ignore_errors=True)
    with visit(folder, "", "--read-only") as page:
        yield Row(f"start of {total:,} dialogues: seconds until one is shown", f"{page.opened:.1f}", "15")
    with visit(folder, "", "--read-only") as page:
        yield Row(f"another start of {total:,} dialogues: seconds until one is shown", f"{page.opened:.1f}", "1.5")
        paths = [f"/api/queue?{FILTERS[number % len(FILTERS)]}&after={number}" for number in range(count)]
        yield Row(
            f"filter or search {total:,} dialogues: milliseconds, p95", f"{p95(_requests(page, paths)):.0f}", "50"
        )
        draw = Random(0)
        jump = """byId('episode').value = value; return timed(() => byId('episode').dispatchEvent(new Event('change')),
          () => byId('episodes').textContent.startsWith(`${(value + 1).toLocaleString('en')} of`));"""
        times = page.times([draw.randrange(1, episodes) for _ in range(count + 1)], jump)
        yield Row(f"jump to any of {episodes:,} episodes: milliseconds, p95", f"{p95(times):.0f}", "150")
        yield Row(f"memory of the server, {total:,} dialogues", f"{_memory(page.served.process.pid)} MB", "400 MB")
    yield Row("the page without videos: kB", f"{_weight() / 1e3:.0f}", "250")


def _requests(page: Page, paths: list[str]) -> list[float]:
    times = []
    for path in paths:
        began = perf_counter()
        page.client.get(path)
        times.append(1e3 * (perf_counter() - began))
    return times


def _memory(pid: int) -> int:
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) // 1000 if match else 0


def _weight() -> int:
    from pgen_review.server import assets

    return sum(len(content) for _, content, _ in assets())


if __name__ == "__main__":
    main(lines)
