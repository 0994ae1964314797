"""The page of one run: the verdict, then its parts, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from tfxfer.report.blocks import Section, Words
from tfxfer.report.finished import FinishedRun
from tfxfer.report.headline import Headline, headline
from tfxfer.report.sections.classes import classes
from tfxfer.report.sections.confidence import confidence
from tfxfer.report.sections.data import data
from tfxfer.report.sections.files import files as artifacts
from tfxfer.report.sections.gap import gap
from tfxfer.report.sections.mistakes import mistakes
from tfxfer.report.sections.reproduce import reproduce
from tfxfer.report.sections.scores import scores
from tfxfer.report.sections.slices import slices
from tfxfer.report.sections.training import training
from tfxfer.report.symptoms.all import suggestions

LONG = 16  # letters of a name that no phone has a column for
SECTIONS: tuple[Callable[[FinishedRun], Section | None], ...] = (
    scores,
    artifacts,
    training,
    mistakes,
    classes,
    confidence,
    slices,
    data,
    gap,
    reproduce,
)


def render_report(run: FinishedRun) -> str:
    """report.html of a run; the same report gives the same bytes."""
    advice = suggestions(run)
    next_ = Section(
        "next", "What to do next", advice or (Words("Nothing in the figures asks for a change."),)
    )
    found = (section(run) for section in SECTIONS)
    return render_page(
        run.name, headline(run, advice), (next_, *(part for part in found if part is not None))
    )


def render_page(title: str, verdict: Headline, sections: tuple[Section, ...]) -> str:
    """A page of sections under a verdict; whatever users have named stands in it as text."""
    folder = files("tfxfer.report").joinpath("templates")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["breakable"] = _breakable
    template = environment.from_string(folder.joinpath("page.html.j2").read_text("utf-8"))
    style = Markup(folder.joinpath("style.css").read_text("utf-8"))
    return template.render(title=title, verdict=verdict, sections=sections, style=style)


def _breakable(text: str) -> Markup:
    """Names such as expanded_conv_depthwise_relu may be broken after their underscores, on a phone."""
    return escape(text).replace("_", Markup("_<wbr>")) if len(text) > LONG else escape(text)
