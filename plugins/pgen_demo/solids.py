"""Draw shaded solids in perspective with PIL: boxes, round limbs, studs, soft shadows.

A `View` is a pinhole camera. Later drawings cover earlier ones, so callers draw from far to near.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import hypot, sqrt
from typing import Any

from PIL import Image

from pgen_demo.motion import Point

type Colour = tuple[int, int, int]

LIGHT = (-0.40, -0.45, 0.80)
FACES = (
    ((-1.0, 0.0, 0.0), (0, 2, 6, 4)),
    ((1.0, 0.0, 0.0), (1, 5, 7, 3)),
    ((0.0, -1.0, 0.0), (0, 4, 5, 1)),
    ((0.0, 1.0, 0.0), (2, 3, 7, 6)),
    ((0.0, 0.0, -1.0), (0, 1, 3, 2)),
    ((0.0, 0.0, 1.0), (4, 6, 7, 5)),
)
"""The sides of a box: outward normal and corners; the bits of a corner's number are its x, y and z."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera at `eye`, its axes as rows of unit vectors, `focal` in pixels."""

    eye: Point
    right: Point
    down: Point
    ahead: Point
    focal: float
    width: int
    height: int

    @classmethod
    def look(cls, eye: Point, at: Point, up: Point, focal: float, size: tuple[int, int]) -> "View":
        ahead = _unit((at[0] - eye[0], at[1] - eye[1], at[2] - eye[2]))
        right = _unit(_cross(ahead, up))
        return cls(eye, right, _cross(ahead, right), ahead, focal, *size)

    def project(self, point: Point) -> tuple[float, float]:
        away = (point[0] - self.eye[0], point[1] - self.eye[1], point[2] - self.eye[2])
        scale = self.focal / _dot(away, self.ahead)
        return self.width / 2 + _dot(away, self.right) * scale, self.height / 2 + _dot(away, self.down) * scale

    def scale(self, point: Point) -> float:
        """Return the pixels of a unit of length at a point."""
        away = (point[0] - self.eye[0], point[1] - self.eye[1], point[2] - self.eye[2])
        return self.focal / _dot(away, self.ahead)

    def flatness(self) -> float:
        """Return the height of a level circle in the image, as a share of its width."""
        return abs(self.ahead[2])


def box_faces(view: View, low: Point, high: Point) -> list[tuple[Point, bool, list[tuple[float, float]]]]:
    """Return the six sides of a box: normal, whether it faces the camera, and its outline in the image."""
    corners = [(x, y, z) for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])]
    flat = [view.project(corner) for corner in corners]
    sides = []
    for normal, order in FACES:
        point = corners[order[0]]
        out = _dot(normal, (view.eye[0] - point[0], view.eye[1] - point[1], view.eye[2] - point[2]))
        sides.append((normal, out > 0, [flat[i] for i in order]))
    return sides


def draw_box(draw: Any, view: View, low: Point, high: Point, colour: Colour) -> None:
    """Draw a box with edges a little darker than its sides."""
    for normal, visible, outline in box_faces(view, low, high):
        if visible:
            fill = shade(colour, 0.62 + 0.42 * max(_dot(normal, LIGHT), -0.2))
            draw.polygon(outline, fill=fill, outline=shade(fill, 0.86))


def draw_stud(draw: Any, view: View, base: Point, radius: float, height: float, colour: Colour) -> None:
    """Draw a short upright cylinder."""
    wide = radius * view.scale(base)
    tall = max(wide * view.flatness(), 1.0)
    for part, light in ((0.2, 0.7), (1.0, 1.1)):
        x, y = view.project((base[0], base[1], base[2] + height * part))
        draw.ellipse((x - wide, y - tall, x + wide, y + tall), fill=shade(colour, light))


def draw_limb(draw: Any, view: View, start: Point, end: Point, width: float, colour: Colour) -> None:
    """Draw a round link between two joints, lighter along its lit side."""
    (ax, ay), (bx, by) = view.project(start), view.project(end)
    ra, rb = width / 2 * view.scale(start), width / 2 * view.scale(end)
    long = hypot(bx - ax, by - ay) or 1.0
    nx, ny = (by - ay) / long, (ax - bx) / long
    if nx > 0:
        nx, ny = -nx, -ny
    for offset, share, light in ((0.0, 1.0, 0.62), (0.12, 0.82, 0.88), (0.30, 0.42, 1.1)):
        fill = shade(colour, light)
        _capsule(
            draw,
            (ax + nx * ra * offset, ay + ny * ra * offset, ra * share),
            (bx + nx * rb * offset, by + ny * rb * offset, rb * share),
            (nx, ny),
            fill,
        )


def draw_shadow(image: Image.Image, view: View, at: Point, size: tuple[float, float], strength: float = 0.8) -> None:
    """Draw a soft shadow on the table, wider and fainter the higher the object is."""
    x, y = view.project((at[0] + 0.10 * at[2], at[1] + 0.12 * at[2], 0.0))
    spread = view.scale((at[0], at[1], 0.0)) * (1.5 + 0.6 * at[2])
    # Rounded, so that a moving object needs few different shadows, which are cached.
    wide, tall = (4 * round(extent * spread / 4) for extent in (size[0], size[1] * view.flatness()))
    mask = _spot(wide, tall, round(strength / (1 + 1.5 * at[2]), 1))
    image.paste((38, 28, 26), (round(x - wide / 2), round(y - tall / 2)), mask)


@lru_cache(maxsize=4096)
def shade(colour: Colour, light: float) -> Colour:
    """Return a darker colour, or a lighter one where `light` is above 1."""
    if light <= 1:
        red, green, blue = (round(value * light) for value in colour)
    else:
        red, green, blue = (round(value + (255 - value) * (light - 1)) for value in colour)
    return red, green, blue


@lru_cache(maxsize=256)
def _spot(wide: int, tall: int, strength: float) -> Image.Image:
    fall = [round(255 * strength * max(1 - level / 181, 0) ** 1.3) for level in range(256)]
    return Image.radial_gradient("L").point(fall).resize((wide, tall), Image.Resampling.BILINEAR)


def _capsule(draw: Any, a: Point, b: Point, normal: tuple[float, float], fill: Colour) -> None:
    sides = [(x + s * normal[0] * r, y + s * normal[1] * r) for (x, y, r), s in ((a, 1), (b, 1), (b, -1), (a, -1))]
    draw.polygon(sides, fill=fill)
    for x, y, r in (a, b):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _dot(a: Point, b: Point) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Point, b: Point) -> Point:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _unit(a: Point) -> Point:
    length = sqrt(_dot(a, a))
    return a[0] / length, a[1] / length, a[2] / length
