"""The colour themes: YAML files that name colours by meaning, in `themes/` of the repository and of the wheel."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from calmtui.errors import UsageError

DEFAULT = "dark"


@dataclass(frozen=True)
class Colours:
    """What a theme file holds; every line is needed."""

    dark: bool
    background: str
    foreground: str
    panel: str
    quiet: str
    trouble: str
    warning: str
    progress: str
    marked: str
    fine: str


DARK = Colours(
    dark=True,
    background="#16181d",
    foreground="#d6d9e0",
    panel="#23262e",
    quiet="#8b919e",
    trouble="#ff6b66",
    warning="#e5b454",
    progress="#6cb6ff",
    marked="#c79bf2",
    fine="#7fbf8e",
)
"""`themes/dark.yaml`, which a test compares with it: the first paint does not wait for PyYAML, a tenth of its time."""


def folder() -> Path:
    """Where the themes are: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parents[1]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def names() -> list[str]:
    """The themes that there are."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def load(name: str) -> Theme:
    """The theme of that name. Raises UsageError for one that is not there or cannot be used."""
    if name == DEFAULT:
        return _theme(DEFAULT, DARK)
    return _theme(name, read(name))


def read(name: str) -> Colours:
    """The colours in the file of that name. Raises UsageError for one that is not there or cannot be used."""
    import yaml  # takes as long as a tenth of the first paint

    path = folder() / f"{name}.yaml"
    if name not in names():
        raise UsageError(f"there is no theme {name!r}", next_step=f"there are {', '.join(names())}")
    with path.open(encoding="utf-8") as file:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        written = yaml.load(file, loader)  # noqa: S506 -- both loaders are safe
    wanted = {field.name for field in fields(Colours)}
    if not isinstance(written, dict) or set(written) != wanted:
        wrong = wanted.symmetric_difference(written if isinstance(written, dict) else ())
        raise UsageError(f"missing or unknown: {', '.join(sorted(map(str, wrong)))}", where=str(path))
    for key, value in written.items():
        if key != "dark":
            _checked(key, value, path)
    return Colours(**written)


def _checked(key: str, value: object, path: Path) -> None:
    try:
        Color.parse(str(value))
    except ColorParseError as error:
        what = f"{key}: {value!r} is no colour"
        raise UsageError(what, where=str(path), next_step='write it as "#rrggbb"') from error


def _theme(name: str, colours: Colours) -> Theme:
    """Ours in Textual's words: `$error` is trouble, `$accent` progress, `$secondary` marked, `$text-muted` quiet."""
    given = asdict(colours)
    return Theme(
        name,
        primary=colours.progress,
        secondary=colours.marked,
        warning=colours.warning,
        error=colours.trouble,
        success=colours.fine,
        accent=colours.progress,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.background,
        panel=colours.panel,
        dark=colours.dark,
        variables={
            **{f"text-{ours}": given[key] for ours, key in _TEXTS.items()},
            "scrollbar": colours.panel,
            "scrollbar-background": colours.background,
            "scrollbar-hover": colours.quiet,
            "scrollbar-active": colours.quiet,
        },
    )


_TEXTS = {"muted": "quiet", "error": "trouble", "warning": "warning", "success": "fine", "accent": "progress"}
