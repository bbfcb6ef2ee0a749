"""``report.html``: all that a study's folder tells, on one page that needs no network.

Every text of the data goes through the template's escaping or into JSON without ``<``, and the page forbids itself, by
its content security policy, any script but its own two and any address but ``data:``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.private_paths import without_folders
from RadiomicsCoreLib.files.tables import write_text

from .calculator import calculators
from .cases import Case, cases_of
from .charts import charts_of
from .checklists.checklist import filled_checklists, write_checklists
from .checklists.facts import Facts
from .cohort import CohortView, cohort_view
from .features import feature_choices
from .folder import Stage, Study, read_study
from .measures import Measured, measures, model_tables
from .methods import methods_of
from .pictures import CASES_BYTES, FIGURES_BYTES, embedded
from .table import MOST_ROWS, Table, flat, rows_of, shown, table_of

REPORT_FILE, CHECKLIST_FOLDER = "report.html", "checklists"
LARGEST_TABLE_BYTES = 2_000_000
FEWEST_ROWS, ROWS_OF_ALL = 8, 6000
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(\.\d+)?(?![\w.])")
PAGE = Path(__file__).parent / "page"
# Tables that have a place of their own, or a row of thousands of columns a case.
_ELSEWHERE = {"features", "baseline_by_cohort"}


@dataclass(frozen=True)
class StageView:
    """A stage as the page shows it."""

    stage: Stage
    settings: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    figures: Mapping[str, str]


def write_report(out: Path | str) -> Path:
    """Write ``report.html`` and ``checklists/*.csv`` into a study's folder, or a job's.

    Nothing in the folder has to be there; what is not is not shown.

    Args:
        out: the folder.

    Returns:
        The page.

    Raises:
        InputError: there is no such folder, it holds nothing that a job wrote, or the page cannot be written.

    Example:
        >>> Path("out").mkdir()
        >>> _ = Path("out/job.yaml").write_text("verb: cox\\ncohort: patients.csv\\n")
        >>> write_report("out").name
        'report.html'
    """
    folder = Path(out)
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r}; name the output folder of a study or a job")
    study = read_study(folder)
    if not study.stages and not study.record and not study.job:
        raise InputError(f"folder {str(folder)!r} holds no study.json, job.yaml or stages.json: no job wrote it")
    page, checklists = _page(study)
    write_checklists(checklists, folder / CHECKLIST_FOLDER)
    path = folder / REPORT_FILE
    write_text(path, page)
    return path


def _page(study: Study) -> tuple[str, list[Any]]:
    cohort, measured, asked = cohort_view(study), measures(study), calculators(study)
    facts = Facts(study, cohort, measured, len(asked))
    checklists = filled_checklists(facts)
    cases = cases_of(study)
    pictures = _pictures(study, cases)
    charts = charts_of(study, measured)
    library = plotly_js() if charts else ""
    script = (PAGE / "calculator.js").read_text("utf-8") + (PAGE / "report.js").read_text("utf-8")
    context = {
        "title": study.name,
        "version": __version__,
        "study": study,
        "made": study.record.get("made") or next((s.record["made"] for s in study.stages if s.record.get("made")), ""),
        "cohort": cohort,
        "cases": [(case, pictures.get(case.picture, "") if case.picture else "") for case in cases],
        "choices": feature_choices(study),
        "measured": measured,
        "model_tables": model_tables(measured),
        "charts": [chart.to_dict() for chart in charts],
        "calculators": [asdict(calculator) for calculator in asked],
        "stages": [_stage_view(stage, pictures, _rows_each(study)) for stage in study.stages],
        "warnings": _grouped(study),
        "methods": methods_of(study, facts),
        "checklists": checklists,
        "summary": _summary(study, cohort, cases, measured),
        "versions": _versions(study),
        "style": (PAGE / "report.css").read_text("utf-8"),
        "library": library,
        "script": script,
        "hashes": " ".join(f"'sha256-{_sha256(text)}'" for text in (library, script) if text),
    }
    return _rendered(context, [study.folder, Path.cwd(), Path.home()]), checklists


def _pictures(study: Study, cases: Sequence[Case]) -> dict[Path, str]:
    """All pictures as addresses; they are marked as safe, for a path is looked for in every other text."""
    from markupsafe import Markup

    figures = [path for stage in study.stages for path in stage.figures.values()]
    found = embedded([case.picture for case in cases if case.picture], CASES_BYTES) | embedded(figures, FIGURES_BYTES)
    return {path: Markup(address) for path, address in found.items()}


def _rendered(context: Mapping[str, Any], roots: Sequence[Path]) -> str:
    """Fill the template: every text escaped, and without the folders of this machine."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def clean(value: Any) -> Any:
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return without_folders(value, roots) if is_text and ("/" in value or "\\" in value) else value

    def data(value: Any) -> Markup:
        """JSON inside a script element: nothing in it can end the element or begin another."""
        text = without_folders(json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":")), roots)
        for letter in "<>&\u2028\u2029":
            text = text.replace(letter, f"\\u{ord(letter):04x}")
        return Markup(text)

    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=clean,
    )
    environment.filters |= {"data": data, "raw": Markup, "shown": shown}
    return environment.get_template("report.html").render(context)


def plotly_js() -> str:
    """Return the chart library's code, which the Python package brings; "" where it is not installed."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        return ""
    return get_plotlyjs()


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _finite(value: Any) -> Any:
    """Plain values without NaN and infinities, which JSON has not."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return value


def _rows_each(study: Study) -> int:
    """Rows that each of the stages' tables may have, so that hundreds of tables leave the page small."""
    return max(FEWEST_ROWS, min(MOST_ROWS, ROWS_OF_ALL // max(1, sum(len(stage.tables) for stage in study.stages))))


def _stage_view(stage: Stage, pictures: Mapping[Path, str], most: int) -> StageView:
    inputs = stage.record.get("inputs")
    named = [
        (str(name), str(found.get("path", "")).split("/")[-1], str(found.get("sha256", "")))
        for name, found in (inputs.items() if isinstance(inputs, Mapping) else ())
        if isinstance(found, Mapping)
    ]
    tables = [
        table
        for name, path in stage.tables.items()
        if name not in _ELSEWHERE
        and path.stat().st_size < LARGEST_TABLE_BYTES
        and (table := table_of(name, rows_of(path), most=most))
    ]
    return StageView(
        stage,
        tuple(flat(stage.settings)),
        tuple((f"{name} ({file})", sha256) for name, file, sha256 in named),
        tuple(tables),
        {name.replace("_", " "): pictures[path] for name, path in stage.figures.items() if path in pictures},
    )


@dataclass(frozen=True)
class Warned:
    """One kind of warning of a stage: its first line, and all lines where there are several."""

    kind: str
    stage: str
    text: str
    lines: tuple[str, ...]


def _grouped(study: Study) -> list[Warned]:
    """Warnings by stage and kind, failures first: what differs in numbers and cases alone stands once."""
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for kind, stage, text in _warnings(study):
        case, sign, rest = text.partition(": ")
        said = rest if sign and " " not in case else text
        kinds.setdefault((kind, stage, _NUMBER.sub("…", said)), []).append(text)
    return [
        Warned(kind, stage, lines[0] if len(lines) == 1 else said, tuple(lines))
        for (kind, stage, said), lines in kinds.items()
    ]


def _warnings(study: Study) -> Iterator[tuple[str, str, str]]:
    """Kind, stage and text of all that may make a number wrong; failures first."""
    for problem in study.problems:
        yield "failed", "this report", problem
    for stage in study.stages:
        if stage.state == "failed":
            yield "failed", stage.title, stage.why or "the stage failed; its log says why"
        if stage.state == "skipped" and stage.why:
            yield "skipped", stage.title, stage.why
        for line in stage.lines("failures"):
            yield "failed", stage.title, line
    for stage in study.stages:
        for line in stage.lines("warnings"):
            yield "warning", stage.title, line


def _summary(
    study: Study, cohort: CohortView, cases: Sequence[Case], measured: Sequence[Measured]
) -> list[tuple[str, str]]:
    """Figures for the head of the page: number and what it counts."""
    states = [stage.state for stage in study.stages]
    done = sum(state in ("done", "reused") for state in states)
    patients = cohort.flow[0].count if cohort.flow else ""
    lines = [(f"{done} of {len(states)}", "stages done")] if states else []
    lines += [(patients, "in the cohort's table")] if patients else []
    lines += [(str(len(cases)), "cases with images")] if cases else []
    lines += [(str(sum(bool(case.problems) for case in cases)), "cases with warnings")] if cases else []
    lines += [(str(len({(one.stage, one.model) for one in measured})), "models with figures")] if measured else []
    lines.append((str(len(_grouped(study))), "kinds of warnings"))
    return lines


def _versions(study: Study) -> list[tuple[str, str]]:
    """Packages with their versions, as the stages' records tell them; several where stages differ."""
    found: dict[str, dict[str, None]] = {}
    for record in [study.record, *(stage.record for stage in study.stages)]:
        versions = record.get("versions")
        for name, version in versions.items() if isinstance(versions, Mapping) else ():
            found.setdefault(str(name), {})[str(version)] = None
    lines = [(name, ", ".join(versions)) for name, versions in found.items()]
    with contextlib.suppress(metadata.PackageNotFoundError):
        lines.append(("plotly (this page's charts)", metadata.version("plotly")))
    return lines
