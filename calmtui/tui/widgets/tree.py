"""FleetTree: draws the visible rows of an outline. Cursor and scroll position stay with the node, not the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from calmtui.fleet.marks import Marks
from calmtui.fleet.node import Node
from calmtui.fleet.outline import Outline
from calmtui.fleet.row import Row, RowId
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets import tree_row
from calmtui.tui.widgets.scrolling import scroll_over
from calmtui.tui.widgets.tree_row import Look, Styles


class FleetTree(ScrollView, can_focus=True, inherit_bindings=False):
    """The rows of an outline, a cursor and marks. It is told of changes by `follow`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tree--{name}" for name in Styles._fields}
    DEFAULT_CSS = """
    FleetTree {
        width: 1fr; height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden;
        & > .tree--plain { color: $foreground; }
        & > .tree--quiet { color: $text-muted; }
        & > .tree--group { color: $foreground; text-style: bold; }
        & > .tree--trouble { color: $error; text-style: bold; }
        & > .tree--warning { color: $warning; }
        & > .tree--progress { color: $accent; }
        & > .tree--marked { color: $secondary; }
    }
    """

    class Moved(Message):
        """Posted when the cursor is on another row."""

    def __init__(self, outline: Outline, marks: Marks, glyphs: Glyphs, clock: Callable[[], float]) -> None:
        super().__init__()
        self.outline = outline
        self.marks = marks
        self.glyphs = glyphs
        self.clock = clock
        """What ages are counted from, seconds since the epoch."""
        self.strips: LRUCache[tuple[Look, int, int], Strip] = LRUCache(1024)
        """Lines drawn before, by what they depend on."""
        self.awaited = False
        """Whether the estate is being read: an empty tree does not mean that there is nothing."""
        self._at = 0
        self._id: RowId = ""
        self._steered = False
        """Whether the operator has moved the cursor: until then it stays on the first row, whatever comes in."""
        self._top: RowId = ""
        """Of the first line in sight: the anchor when the cursor is out of sight."""
        self._painted: dict[int, Look] = {}
        """Of the lines that were drawn, by index."""
        self._drawn: dict[int, Strip] = {}
        """Lines as they were handed over to be painted, by index; of those that look otherwise now, none."""
        self._styles: Styles | None = None
        self._sized: tuple[Size, Size, Size] | None = None

    # -- the cursor -----------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """Index of the row that the cursor is on; 0 when there are none."""
        return self._at

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.outline.rows[self._at] if self._at < len(self.outline.rows) else None

    @property
    def node(self) -> Node | None:
        """The node under the cursor; None on a group."""
        return self.row.node if self.row else None

    @property
    def path(self) -> list[str]:
        """Names of the rows that lead to the cursor's, the outermost first."""
        names, row = [], self.row
        while row is not None and row.container is not None:
            names.append(row.node.name if row.node else self._group_name(row))
            row = row.container
        return names[::-1]

    def move(self, to: int) -> None:
        """Put the cursor on a row, or on the nearest that there is, and bring it into sight."""
        self._steered = True
        self._put(max(min(to, len(self.outline.rows) - 1), 0))
        self.scroll_to_region(Region(0, self._at, 1, 1), animate=False, force=True)
        self._note_top()
        self.repaint()

    def _put(self, at: int) -> None:
        self._at = at
        row = self.row
        if row is not None and row.id != self._id:
            self._id = row.id
            self.post_message(self.Moved())

    # -- following the outline ----------------------------------------------------------

    def follow(self) -> None:
        """The outline may have other rows: stay on the same node, at the same height of the screen."""
        if not self._steered:
            self._at, self._id = 0, self.outline.rows[0].id if self.outline.rows else ""
        top = self.scroll_offset.y
        visible = top <= self._at < top + self.size.height
        anchor, was = (self._id, self._at) if visible else (self._top, top)
        at = self.outline.index(self._id)
        now = at if visible else self.outline.index(anchor)
        self._put(at if at is not None else max(min(self._at, len(self.outline.rows) - 1), 0))
        scroll_over(self, len(self.outline.rows))
        if now is not None and now != was:
            self.scroll_to(y=top + now - was, animate=False, force=True)
        self._note_top()
        self.repaint()

    def _note_top(self) -> None:
        top = self.scroll_offset.y
        self._top = self.outline.rows[top].id if top < len(self.outline.rows) else ""

    def repaint(self) -> None:
        """Have the lines drawn that look otherwise than they did."""
        now, top = self.clock(), self.scroll_offset.y
        altered: list[int] = []
        for index in range(top, top + self.size.height):
            look = self._look(index, now) if index < len(self.outline.rows) else None
            if self._painted.get(index) != look:
                self._drawn.pop(index, None)
                altered.append(index)
        if altered and len(altered) == altered[-1] - altered[0] + 1:  # one piece, as when a row comes in above
            self.refresh_lines(altered[0], len(altered))
        else:
            for index in altered:
                self.refresh_line(index)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if not regions:
            self._drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._painted.clear()
        self._drawn.clear()

    # -- folding --------------------------------------------------------------------------

    def action_fold(self) -> None:
        row = self.row
        if row is None:
            return
        if row.children and self.outline.is_open(row):
            self.outline.fold(row, opened=False)
            self.follow()
        elif row.container is not None and (above := self.outline.index(row.container.id)) is not None:
            self.move(above)

    def action_unfold(self) -> None:
        row = self.row
        if row is None or not row.children:
            return
        if self.outline.is_open(row):
            self.move(self._at + 1)
        else:
            self.outline.fold(row, opened=True)
            self.follow()

    def action_fold_all(self) -> None:
        self.outline.fold_all(opened=False)
        self.follow()

    def action_unfold_all(self) -> None:
        self.outline.fold_all(opened=True)
        self.follow()

    # -- drawing -------------------------------------------------------------------------

    def _look(self, index: int, now: float) -> Look:
        row = self.outline.rows[index]
        fleet = self.outline.fleet
        by_source = self.outline.grouping.levels == ("source",)
        if row.node is not None:
            look = tree_row.node_look(row, row.node, now, by_source=by_source, stale=fleet.is_stale(row.node))
        elif by_source and row.name in fleet.sources:
            look = tree_row.source_look(row, fleet.sources[row.name], now)
        else:
            look = Look(row.depth, self._group_name(row), None, None)
        if row.children:
            look = tree_row.with_counts(look, row, self.outline.is_open(row))
        if index == self._at or row.id in self.marks:
            look = look._replace(cursor=index == self._at, marked=row.id in self.marks)
        return look

    def _group_name(self, row: Row) -> str:
        return row.name or f"no {self.outline.grouping.levels[row.level].removeprefix('label.')}"

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if index >= len(self.outline.rows):
            self._painted.pop(index, None)
            text = self._nothing() if index == 1 and not self.outline.rows else ""
            nothing = Strip([Segment(text, self._theme().quiet)]).adjust_cell_length(self.outer_size.width)
            return nothing.apply_style(self.rich_style)
        look = self._painted[index] = self._look(index, self.clock())
        key = (look, width, self.outer_size.width)
        strip = self.strips.get(key)
        if strip is None:
            style = self.rich_style
            drawn = tree_row.draw(look, width, self.glyphs, self._theme()).apply_style(style)
            self.strips[key] = strip = drawn.adjust_cell_length(self.outer_size.width, style)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region, as the base class gives them to whoever paints.

        There is nothing around the lines of this widget, so they are handed over as they are kept:
        Textual keeps what it makes of a line with the line, and a line that comes back costs nothing.
        """
        background, filters = self.background_colors[1], self.get_line_filters()
        strips = []
        for y in crop.line_range:
            strip = self._line(y)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip.crop(crop.x, crop.right))
        return strips

    def _line(self, y: int) -> Strip:
        """A line of the whole width, the scroll bar's column included; drawn only if it looks otherwise than it did."""
        index = self.scroll_offset.y + y
        strip = self._drawn.get(index)
        if strip is None:
            strip = self.render_line(y)
            if self.outline.rows:  # what stands in an empty tree depends on more
                self._drawn[index] = strip
        return strip

    def _nothing(self) -> str:
        """What stands in an empty tree."""
        if self.outline.filtered:
            return "    nothing matches; esc clears the filter, f shows what is well too"
        if self.awaited:
            return "    reading the estate"
        if not self.outline.fleet.sources:
            return "    nothing is connected; calmtui -i FILE opens an estate, calmtui demo shows one"
        return "    nothing here yet"

    def _theme(self) -> Styles:
        if self._styles is None:
            found: list[Style] = [
                self.get_component_rich_style(f"tree--{name}", partial=True) for name in Styles._fields
            ]
            self._styles = Styles(*found)
        return self._styles

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = None
        self.strips.clear()
        self._drawn.clear()

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """As Textual's, but once for each size: it would draw the scrollbar again at every layout of the screen."""
        sized = (size, container_size, self.virtual_size)
        if sized == self._sized:
            return False
        self._sized = sized
        return super()._size_updated(size, virtual_size, container_size, layout)

    # -- events ---------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.follow()

    def on_resize(self) -> None:
        self._painted.clear()
        self._drawn.clear()

    def on_click(self, event: events.Click) -> None:
        self.move(self.scroll_offset.y + event.y)
