"""The scene of `pgen demo`: an arm with a two-fingered gripper, a lego brick, a transparent box on a table.

`Scene(camera).draw(state, colour)` returns one image, drawn at twice the size and halved for smooth edges. The
static part is drawn once.
"""

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any

from PIL import Image, ImageDraw

from pgen_demo.motion import BOX, BOX_SIZE, BRICK_SIZE, Point, State
from pgen_demo.solids import Colour, View, box_faces, draw_box, draw_limb, draw_shadow, draw_stud, shade

SIZE = (320, 240)
DRAWN = (SIZE[0] * 2, SIZE[1] * 2)
PINK: Colour = (247, 107, 172)
RED: Colour = (214, 44, 46)
STEEL: Colour = (88, 96, 108)
SHELL: Colour = (236, 236, 232)
JOINT: Colour = (240, 138, 36)
SHOULDER: Point = (0.0, 1.06, 0.26)
UPPER, FORE = 0.56, 0.56
BRICK_SHADOW = (BRICK_SIZE[0] * 1.05, BRICK_SIZE[1] * 1.25)
VIEWS = {
    "observation.images.front": View.look((0.0, -1.20, 1.18), (0.0, 0.52, 0.26), (0.0, 0.0, 1.0), 640.0, DRAWN),
    "observation.images.top": View.look((0.0, -0.15, 2.3), (0.0, 0.52, 0.0), (0.0, 1.0, 0.0), 720.0, DRAWN),
}


class Scene:
    """The images of one camera."""

    def __init__(self, camera: str) -> None:
        self._view = VIEWS[camera]
        self._above = self._view.flatness() > 0.9
        self._empty = self._background()
        self._still: tuple[Any, Image.Image] | None = None

    def draw(self, state: State, colour: Colour) -> Image.Image:
        image = self._table(None if state.held else state.brick, colour).copy()
        if state.held:
            draw_shadow(image, self._view, state.brick, BRICK_SHADOW)
        # This shadow is drawn over the brick, so it fades before the gripper reaches it.
        draw_shadow(image, self._view, state.gripper, (0.34, 0.16), strength=min(state.gripper[2] * 2, 0.6))
        self._gripper(ImageDraw.Draw(image), state, colour if state.held else None)
        return image.reduce(2)

    def _table(self, brick: Point | None, colour: Colour) -> Image.Image:
        """Return everything except the arm; the last image is kept, as the brick rarely moves."""
        if self._still is None or self._still[0] != (brick, colour):
            image = self._empty.copy()
            if brick is not None:
                draw_shadow(image, self._view, brick, BRICK_SHADOW)
                self._brick(ImageDraw.Draw(image), brick, colour)
            self._box(ImageDraw.Draw(image, "RGBA"), near=True)
            self._still = ((brick, colour), image)
        return self._still[1]

    def _background(self) -> Image.Image:
        wall = Image.linear_gradient("L").resize(DRAWN)
        image = Image.composite(
            Image.new("RGB", DRAWN, (168, 178, 188)), Image.new("RGB", DRAWN, (206, 212, 216)), wall
        )
        table = Image.composite(
            Image.new("RGB", DRAWN, (214, 186, 150)), Image.new("RGB", DRAWN, (188, 156, 118)), wall
        )
        outline = [self._view.project(p) for p in ((-1.6, -0.3, 0), (1.6, -0.3, 0), (1.6, 1.35, 0), (-1.6, 1.35, 0))]
        mask = Image.new("L", DRAWN, 255 if self._above else 0)
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        image.paste(table, mask=mask)
        draw = ImageDraw.Draw(image, "RGBA")
        self._grain(draw)
        draw_shadow(image, self._view, (BOX[0] + 0.05, BOX[1] + 0.04, 0.25), (0.50, 0.44), strength=0.5)
        draw_shadow(image, self._view, (SHOULDER[0], SHOULDER[1], 0.0), (0.5, 0.4))
        self._base(draw)
        self._box(draw, near=False)
        return image

    def _grain(self, draw: Any) -> None:
        for board in range(-4, 9):
            y = -0.3 + 0.165 * (board + 4)
            ends = [self._view.project((x, min(y, 1.35), 0.0)) for x in (-1.6, 1.6)]
            draw.line(ends, fill=(120, 90, 60, 46), width=2)

    def _base(self, draw: Any) -> None:
        x, y, _ = SHOULDER
        draw_box(draw, self._view, (x - 0.17, y - 0.14, 0.0), (x + 0.17, y + 0.14, 0.08), STEEL)
        draw_limb(draw, self._view, (x, y, 0.12), SHOULDER, 0.20, SHELL)

    def _brick(self, draw: Any, at: Point, colour: Colour) -> None:
        wide, deep, tall = BRICK_SIZE
        low = (at[0] - wide / 2, at[1] - deep / 2, at[2])
        draw_box(draw, self._view, low, (low[0] + wide, low[1] + deep, low[2] + tall), colour)
        for row in (0.75, 0.25):
            for column in (0.125, 0.375, 0.625, 0.875):
                base = (low[0] + wide * column, low[1] + deep * row, low[2] + tall)
                draw_stud(draw, self._view, base, wide * 0.078, 0.026, colour)

    def _box(self, draw: Any, near: bool) -> None:
        """Draw the walls that face away from the camera, or (`near`) those between it and the content."""
        low = (BOX[0] - BOX_SIZE[0] / 2, BOX[1] - BOX_SIZE[1] / 2, 0.0)
        high = (low[0] + BOX_SIZE[0], low[1] + BOX_SIZE[1], BOX_SIZE[2])
        faces = box_faces(self._view, low, high)
        for normal, faces_camera, outline in faces:
            if normal[2] != 1 and faces_camera == near:
                draw.polygon(outline, fill=(190, 226, 240, 40 if near else 62))
                draw.line([*outline, outline[0]], fill=(240, 250, 255, 190 if near else 130), width=3)
                if near:
                    self._glint(draw, outline)
        if near:
            rim = faces[5][2]
            draw.line([*rim, rim[0]], fill=(250, 254, 255, 235), width=4)

    def _glint(self, draw: Any, outline: list[tuple[float, float]]) -> None:
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = outline
        for start, end in ((0.16, 0.26), (0.31, 0.35)):
            low = [(ax + (dx - ax) * s, ay + (dy - ay) * s) for s in (start, end)]
            high = [(bx + (cx - bx) * s, by + (cy - by) * s) for s in (end + 0.1, start + 0.1)]
            draw.polygon(low + high, fill=(255, 255, 255, 46))

    def _gripper(self, draw: Any, state: State, colour: Colour | None) -> None:
        x, y, z = state.gripper
        reach = state.opening / 2
        sides = sorted((-1, 1), key=lambda side: -abs(x + side * reach))
        if colour is None:
            self._fingers(draw, state, sides)
        elif self._above:
            self._brick(draw, state.brick, colour)
            self._fingers(draw, state, sides)
        else:  # the outer finger is behind the brick, the inner one in front of it
            self._fingers(draw, state, sides[:1])
            self._brick(draw, state.brick, colour)
            self._fingers(draw, state, sides[1:])
        palm = z + 0.22
        draw_box(draw, self._view, (x - 0.25, y - 0.045, palm), (x + 0.25, y + 0.045, palm + 0.06), STEEL)
        self._arm(draw, (x, y, palm + 0.08))

    def _fingers(self, draw: Any, state: State, sides: Iterable[int]) -> None:
        x, y, z = state.gripper
        for side in sides:
            inner, outer = x + side * state.opening / 2, x + side * (state.opening / 2 + 0.045)
            left, right = min(inner, outer), max(inner, outer)
            draw_box(draw, self._view, (left, y - 0.04, z - 0.04), (right, y + 0.04, z + 0.23), shade(STEEL, 1.25))
            pad = (inner, inner + side * 0.014)
            draw_box(draw, self._view, (min(pad), y - 0.045, z - 0.045), (max(pad), y + 0.045, z + 0.06), (48, 50, 54))

    def _arm(self, draw: Any, hand: Point) -> None:
        wrist = (hand[0], hand[1], hand[2] + 0.08)
        elbow = _elbow(wrist)
        parts: list[Callable[[], None]] = [
            lambda: draw_limb(draw, self._view, SHOULDER, elbow, 0.13, SHELL),
            lambda: self._joint(draw, elbow, 0.15),
            lambda: draw_limb(draw, self._view, elbow, wrist, 0.11, SHELL),
            lambda: draw_limb(draw, self._view, hand, wrist, 0.11, STEEL),
            lambda: self._joint(draw, wrist, 0.13),
        ]
        order = (3, 4, 0, 2, 1) if self._above else range(len(parts))
        for part in (parts[i] for i in order):
            part()

    def _joint(self, draw: Any, at: Point, width: float) -> None:
        x, y = self._view.project(at)
        radius = width / 2 * self._view.scale(at)
        for share, light in ((1.0, 0.72), (0.86, 1.0), (0.36, 0.62), (0.26, 1.2)):
            r = radius * share
            draw.ellipse((x - r, y - r, x + r, y + r), fill=shade(JOINT, light))


def _elbow(wrist: Point) -> Point:
    """Return the joint of the two links between shoulder and wrist, bent upwards."""
    dx, dy, dz = (w - s for w, s in zip(wrist, SHOULDER, strict=True))
    level = sqrt(dx * dx + dy * dy) or 1e-6
    span = min(sqrt(level * level + dz * dz), (UPPER + FORE) * 0.999)
    along = (UPPER**2 - FORE**2 + span**2) / (2 * span)
    up = sqrt(max(UPPER**2 - along**2, 0.0))
    out, rise = along * level / span - up * dz / span, along * dz / span + up * level / span
    return SHOULDER[0] + dx / level * out, SHOULDER[1] + dy / level * out, SHOULDER[2] + rise
