"""Draw objects, bins and a gripper on a table: the scenes of the datasets in `common.groceries`.

`Tabletop(camera).draw(frame)` returns one small image of a `Frame`. Lengths are in units of about 30 cm: x to the
right, y away from the front camera, z up from the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from PIL import Image, ImageDraw

from pgen_demo.motion import Point
from pgen_demo.scene import JOINT, SHELL, SHOULDER, STEEL
from pgen_demo.solids import Colour, View, box_faces, draw_box, draw_limb, draw_shadow, shade

SIZE = (128, 96)
DRAWN = (SIZE[0] * 2, SIZE[1] * 2)
"""Images are drawn at twice the size and halved, for smooth edges."""
VIEWS = {
    "observation.images.front": View.look((0.0, -1.30, 1.25), (0.0, 0.46, 0.27), (0.0, 0.0, 1.0), 255.0, DRAWN),
    "observation.images.top": View.look((0.0, -0.05, 2.4), (0.0, 0.44, 0.1), (0.0, 1.0, 0.0), 275.0, DRAWN),
}
WALL: Colour = (186, 194, 200)
TABLE: Colour = (206, 190, 166)


@dataclass(frozen=True, slots=True)
class Solid:
    """An object: a box or an upright cylinder of a size, with an optional band of another colour around its middle."""

    size: Point
    colour: Colour
    shape: Literal["box", "cylinder"] = "box"
    band: Colour | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """An open box on the table; `at` is the centre of its floor."""

    at: Point
    size: Point
    colour: Colour


@dataclass(frozen=True, slots=True)
class Frame:
    """The centre of the fingertips, the gap between the fingers, and the centre of each visible object's underside.

    `held` names the object between the fingers.
    """

    gripper: Point
    opening: float
    places: Mapping[str, Point]
    held: str | None = None


class Tabletop:
    """The images of one camera of a scene with `solids` by name, and bins."""

    def __init__(self, camera: str, solids: Mapping[str, Solid], bins: tuple[Bin, ...]) -> None:
        self._view = VIEWS[camera]
        self._above = self._view.flatness() > 0.9
        self._solids, self._bins = solids, bins
        self._empty = self._background()

    def draw(self, frame: Frame) -> Image.Image:
        """Draw from far to near: seen from above by height, else by the distance from the front."""
        image = self._empty.copy()
        draw = ImageDraw.Draw(image)
        for at in frame.places.values():
            draw_shadow(image, self._view, at, (0.22, 0.18), strength=0.6)
        parts = [(self._depth(bin.at, bin.size), lambda bin=bin: self._near_walls(draw, bin)) for bin in self._bins]
        for name, at in frame.places.items():
            if name != frame.held:
                solid = self._solids[name]
                parts.append((self._depth(at, solid.size), lambda s=solid, at=at: self._solid(draw, s, at)))
        parts.append((self._depth(frame.gripper, (0.0, 0.0, 2.0)), lambda: self._gripper(draw, frame)))
        for _, part in sorted(parts, key=lambda part: part[0]):
            part()
        return image.reduce(2)

    def _depth(self, at: Point, size: Point) -> float:
        """Return the position in the order of drawing: later ones are drawn over earlier ones."""
        return at[2] + size[2] if self._above else -(at[1] - size[1] / 2)

    def _background(self) -> Image.Image:
        image = Image.new("RGB", DRAWN, TABLE if self._above else WALL)
        draw = ImageDraw.Draw(image)
        draw.polygon([self._view.project(p) for p in _corners(-1.7, -0.5, 1.7, 1.3)], fill=TABLE)
        x, y, _ = SHOULDER
        draw_box(draw, self._view, (x - 0.17, y - 0.14, 0.0), (x + 0.17, y + 0.14, 0.08), STEEL)
        draw_limb(draw, self._view, (x, y, 0.12), SHOULDER, 0.20, SHELL)
        for bin in self._bins:
            for _, faces_camera, outline in self._faces(bin):
                if not faces_camera:
                    draw.polygon(outline, fill=shade(bin.colour, 0.72), outline=shade(bin.colour, 0.5))
        return image

    def _near_walls(self, draw: Any, bin: Bin) -> None:
        """Draw the walls between the camera and the content."""
        for normal, faces_camera, outline in self._faces(bin):
            if faces_camera and normal[2] == 0:
                draw.polygon(outline, fill=bin.colour, outline=shade(bin.colour, 0.6))

    def _faces(self, bin: Bin) -> list[tuple[Point, bool, list[tuple[float, float]]]]:
        low, high = _extent(bin.at, bin.size)
        return box_faces(self._view, low, high)

    def _solid(self, draw: Any, solid: Solid, at: Point) -> None:
        wide, deep, tall = solid.size
        part: Callable[[Any, Point, Point, Colour], None] = self._cylinder if solid.shape == "cylinder" else self._box
        part(draw, at, solid.size, solid.colour)
        if solid.band is not None and not self._above:
            middle = (at[0], at[1], at[2] + tall * 0.3)
            draw_box(draw, self._view, *_extent(middle, (wide * 1.01, deep * 1.01, tall * 0.18)), solid.band)

    def _box(self, draw: Any, at: Point, size: Point, colour: Colour) -> None:
        draw_box(draw, self._view, *_extent(at, size), colour)

    def _cylinder(self, draw: Any, at: Point, size: Point, colour: Colour) -> None:
        top = (at[0], at[1], at[2] + size[2])
        outlines = []
        for centre in (at, top):
            x, y = self._view.project(centre)
            wide = size[0] / 2 * self._view.scale(centre)
            outlines.append((x, y, wide, wide * self._view.flatness()))
        (ax, ay, aw, ah), (bx, by, bw, bh) = outlines
        side = shade(colour, 0.8)
        draw.ellipse((ax - aw, ay - ah, ax + aw, ay + ah), fill=side)
        draw.polygon([(ax - aw, ay), (ax + aw, ay), (bx + bw, by), (bx - bw, by)], fill=side)
        draw.ellipse((bx - bw, by - bh, bx + bw, by + bh), fill=shade(colour, 1.15))

    def _gripper(self, draw: Any, frame: Frame) -> None:
        x, y, z = frame.gripper
        sides = sorted((-1, 1), key=lambda side: -abs(x + side * frame.opening / 2))
        self._finger(draw, frame, sides[0])
        if frame.held is not None:
            self._solid(draw, self._solids[frame.held], frame.places[frame.held])
        self._finger(draw, frame, sides[1])
        palm = z + 0.30
        draw_box(draw, self._view, (x - 0.19, y - 0.045, palm), (x + 0.19, y + 0.045, palm + 0.06), STEEL)
        hand, wrist = (x, y, palm + 0.06), (x, y + 0.04, palm + 0.16)
        # The elbow is drawn half way to the shoulder and raised; the lengths of the links are not constant.
        elbow = ((x + SHOULDER[0]) / 2, (y + SHOULDER[1]) / 2, 0.85)
        for start, end, width, colour in (
            (SHOULDER, elbow, 0.12, SHELL),
            (elbow, wrist, 0.10, SHELL),
            (hand, wrist, 0.10, STEEL),
        ):
            draw_limb(draw, self._view, start, end, width, colour)
        ex, ey = self._view.project(elbow)
        radius = 0.07 * self._view.scale(elbow)
        draw.ellipse((ex - radius, ey - radius, ex + radius, ey + radius), fill=JOINT)

    def _finger(self, draw: Any, frame: Frame, side: int) -> None:
        x, y, z = frame.gripper
        near, far = sorted((x + side * frame.opening / 2, x + side * (frame.opening / 2 + 0.045)))
        draw_box(draw, self._view, (near, y - 0.04, z - 0.03), (far, y + 0.04, z + 0.30), shade(STEEL, 1.25))


@lru_cache(maxsize=16)
def tabletop(camera: str, solids: tuple[tuple[str, Solid], ...], bins: tuple[Bin, ...]) -> Tabletop:
    """Return the drawer of a camera, whose background is drawn once."""
    return Tabletop(camera, dict(solids), bins)


def _extent(at: Point, size: Point) -> tuple[Point, Point]:
    low = (at[0] - size[0] / 2, at[1] - size[1] / 2, at[2])
    return low, (low[0] + size[0], low[1] + size[1], low[2] + size[2])


def _corners(left: float, near: float, right: float, far: float) -> list[Point]:
    return [(left, near, 0.0), (right, near, 0.0), (right, far, 0.0), (left, far, 0.0)]
