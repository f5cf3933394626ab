"""Where on a page a seal goes: in mm as a person sees the page, in points as the file counts them."""

from dataclasses import dataclass
from typing import Literal

POINTS_PER_MM = 72 / 25.4
SealKind = Literal["company", "legal-representative", "cost-engineer", "cross-page"]
"""公章, 法人章, 造价师章, 骑缝章."""


@dataclass(frozen=True)
class Strip:
    """One of `count` vertical strips of a seal's picture, from the left, `index` from 0: 骑缝章."""

    index: int
    count: int


@dataclass(frozen=True)
class Place:
    """The centre of a seal on a page (from 0), in mm from the left and the top of the page as it is shown.

    With `strip` only that strip of the picture is drawn, and (x, y) is the strip's centre.
    """

    page: int
    x_mm: float
    y_mm: float
    strip: Strip | None = None


@dataclass(frozen=True)
class PageFrame:
    """The visible box of a page in user space (ISO 32000-1 §14.11.2) and its clockwise rotation."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int = 0

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height as the page is shown."""
        size = (self.right - self.left) / POINTS_PER_MM, (self.top - self.bottom) / POINTS_PER_MM
        return size if self.rotation % 180 == 0 else (size[1], size[0])

    def to_points(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """The point of user space that is shown at (x, y)."""
        u, v = x_mm * POINTS_PER_MM, y_mm * POINTS_PER_MM
        return {
            0: (self.left + u, self.top - v),
            90: (self.left + v, self.bottom + u),
            180: (self.right - u, self.bottom + v),
            270: (self.right - v, self.top - u),
        }[self.rotation % 360]

    def to_mm(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of user space is shown."""
        u, v = {
            0: (x - self.left, self.top - y),
            90: (y - self.bottom, x - self.left),
            180: (self.right - x, y - self.bottom),
            270: (self.top - y, self.right - x),
        }[self.rotation % 360]
        return u / POINTS_PER_MM, v / POINTS_PER_MM

    def box(
        self, x_mm: float, y_mm: float, width_mm: float, height_mm: float
    ) -> tuple[float, float, float, float]:
        """The rectangle of user space (left, bottom, right, top) of a box with its centre at (x, y).

        A box that would stick out is moved back onto the page.
        """
        width, height = self.size_mm
        x = _within(x_mm, width_mm / 2, width)
        y = _within(y_mm, height_mm / 2, height)
        x1, y1 = self.to_points(x - width_mm / 2, y - height_mm / 2)
        x2, y2 = self.to_points(x + width_mm / 2, y + height_mm / 2)
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _within(centre: float, half: float, room: float) -> float:
    return max(half, min(centre, room - half))
