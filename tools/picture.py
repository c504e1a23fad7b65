"""Draw images of the docs from the demo: dialogue.png (moments with their dialogue), sheet.jpg (a clip).

Run it by hand after a change of the demo or of the generator `template`: python tools/picture.py
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

from pgen import Annotation, annotate
from pgen.formats.syn_annotations import FILE, from_line, read_lines
from pgen.media import read_clips, sheet
from pgen.run.planning import samples_of
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource
from pgen_samplers.samplers import EveryFrame

DOCS = Path(__file__).parents[1] / "docs"
SHEET_FRAME, SHEET_PIXELS = 60, 640_000
MOMENTS = ((0, "episode"), (0, "standing"), (54, "step"))
"""Frames of the first episode at which dialogue is spoken, each with the scope to draw."""
CAMERA = "observation.images.front"

PANEL, FRAME = (400, 650), (400, 300)
GAP, MARGIN, PAD = 24, 20, 14
"""Pixels between the panels, around them, and inside a bubble."""
INK, MUTED, PAPER = (28, 32, 38), (96, 104, 114), (255, 255, 255)
USER, ROBOT = (233, 236, 240), (207, 228, 247)
WIDEST = 330
"""Maximal width of a bubble, in pixels."""

type Moment = tuple[Annotation, Image.Image]


def sheet_of(root: Path) -> bytes:
    """Return the two seconds up to SHEET_FRAME as a contact sheet, the input of a model without video: a JPEG."""
    source = LeRobotSource(root=root, cameras=(CAMERA,))
    source.open()
    episode = next(source.episodes())
    samples = samples_of(episode, source, EveryFrame(clip=2.0))
    with source.reader(SHEET_PIXELS // 8) as reader:
        (clip,) = read_clips(reader, samples[SHEET_FRAME])
    return sheet(clip, SHEET_PIXELS).jpeg


def moments(folder: Path, root: Path) -> Iterator[Moment]:
    """Yield the annotations at MOMENTS, each with its image."""
    annotate(root, folder / "annotated", generator="template")
    source = LeRobotSource(root=root, cameras=(CAMERA,))
    source.open()
    with source.reader(FRAME[0] * FRAME[1]) as reader:
        for annotation in map(from_line, read_lines(folder / "annotated/meta" / FILE)):
            sample = annotation.sample
            place = sample.moment.frame_index, sample.question.scope
            if sample.span.episode_index == 0 and place in MOMENTS and sample.question.variant == 1:
                image = reader.images(annotation.sample)[list(annotation.sample.moment.cameras).index(CAMERA)]
                yield annotation, Image.open(BytesIO(image.jpeg))


def panel(moment: Moment) -> Image.Image:
    """Return the frame with its time and skill above and the dialogue below."""
    annotation, picture = moment
    sample, dialogue = annotation.sample, annotation.dialogue
    if dialogue is None or sample.moment.timestamp is None:
        raise ValueError(f"frame {sample.moment.frame_index} has no dialogue: choose other MOMENTS")
    image = Image.new("RGB", PANEL, PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((0, 0), f"{sample.moment.timestamp:.1f} s", MUTED, font(15))
    whole = sample.question.scope != "step"
    draw.text((0, 22), f"{sample.question.scope}: to the end" if whole else sample.span.skill, INK, font(17))
    image.paste(picture.resize(FRAME, Image.Resampling.LANCZOS), (0, 54))
    below = bubble(draw, 54 + FRAME[1] + 16, "user prompt", dialogue.user_prompt, right=False)
    bubble(draw, below + 14, "robot utterance", dialogue.robot_utterance, right=True)
    return image


def bubble(draw: ImageDraw.ImageDraw, top: int, speaker: str, text: str, *, right: bool) -> int:
    """Draw a speech bubble with its speaker; return the position below it."""
    lines = wrapped(text, WIDEST - 2 * PAD)
    width = max(font(17).getlength(line) for line in lines) + 2 * PAD
    left = PANEL[0] - width - 1 if right else 0
    bottom = top + 20 + len(lines) * 23 + 2 * PAD - 6
    draw.text((PANEL[0] - 1 if right else 2, top), speaker, MUTED, font(13), anchor="ra" if right else "la")
    draw.rounded_rectangle((left, top + 20, left + width, bottom), 14, fill=ROBOT if right else USER)
    for number, line in enumerate(lines):
        draw.text((left + PAD, top + 20 + PAD - 4 + number * 23), line, INK, font(17))
    return bottom


def wrapped(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font(17).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font that comes with Pillow, which is the same everywhere."""
    default = ImageFont.load_default(size)
    assert isinstance(default, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return default


def main() -> None:
    with TemporaryDirectory() as folder:
        root = write_example(Path(folder) / "source")
        panels = [panel(moment) for moment in moments(Path(folder), root)]
        (DOCS / "sheet.jpg").write_bytes(sheet_of(root))
    width = 2 * MARGIN + len(panels) * PANEL[0] + (len(panels) - 1) * GAP
    canvas = Image.new("RGB", (width, 2 * MARGIN + PANEL[1]), PAPER)
    for number, image in enumerate(panels):
        canvas.paste(image, (MARGIN + number * (PANEL[0] + GAP), MARGIN))
    canvas.save(DOCS / "dialogue.png", optimize=True)
    for name in ("dialogue.png", "sheet.jpg"):
        print(f"{DOCS / name}: {(DOCS / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
