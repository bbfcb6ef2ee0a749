"""The interactive charts: plain records that plotly.js draws, one for each kind, model and cohort.

plotly's Python objects are not used: a chart is a few lists of numbers, which JSON holds. Colours differ in lightness
too, and lines in dashes, so that they are told apart without colour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .folder import Stage, Study
from .measures import Measured
from .table import number_of, rows_of, shown

Rows = Sequence[Mapping[str, str]]
# Okabe and Ito's palette without its yellow, which is too light on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#555555", "#E69F00")
DASHES = ("solid", "dash", "dot", "dashdot")
GREY = "#6b7280"
MOST_POINTS = 400


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        kind: what it shows, the first choice on the page.
        model: stage or model, the second.
        cohort: the third.
        says: a sentence for those who do not see it, and below it for all.
        traces: plotly's traces.
        layout: plotly's layout, beside what all charts share.
    """

    kind: str
    model: str
    cohort: str
    says: str
    traces: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind,
            "model": self.model,
            "cohort": self.cohort,
            "says": self.says,
            "traces": [_rounded(trace) for trace in self.traces],
            "layout": dict(self.layout),
        }


def _rounded(value: Any) -> Any:
    """Numbers with the digits that a screen shows: a study has hundreds of thousands of them."""
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else value


def charts_of(study: Study, measured: Sequence[Measured]) -> list[Chart]:
    """Return all charts that the tables of a study allow, in the order of their kinds."""
    found = list(_performance(measured))
    for stage in study.stages:
        for name, path in stage.tables.items():
            for pattern, draw in DRAWN.items():
                place = re.fullmatch(pattern, name)
                if place and (rows := rows_of(path)):
                    found += draw(stage, place.groupdict().get("cohort") or "", rows)
    order = list(dict.fromkeys(chart.kind for chart in found))
    return sorted((chart for chart in found if chart.traces), key=lambda chart: order.index(chart.kind))


# --- what every chart is made of ---------------------------------------------------------------------------


def _numbers(rows: Rows, column: str) -> list[float | None]:
    values = [number_of(row.get(column, "")) for row in rows]
    return [value if math.isfinite(value) else None for value in values]


def _groups(rows: Rows, column: str) -> Iterator[tuple[str, Rows]]:
    for name in dict.fromkeys(row.get(column, "") for row in rows):
        yield name, [row for row in rows if row.get(column, "") == name]


def _line(k: int, name: str, x: Sequence[Any], y: Sequence[Any], **more: Any) -> dict[str, Any]:
    style = {"color": COLOURS[k % len(COLOURS)], "width": 2.2, "dash": DASHES[k % len(DASHES)]}
    line = {**style, **more.pop("line", {})}
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), "line": line, **more}


def _band(
    k: int, x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], shape: str = "linear"
) -> list[dict[str, Any]]:
    """An interval as a shaded band, drawn where both limits are numbers."""
    known = [(a, b, c) for a, b, c in zip(x, low, high, strict=True) if None not in (a, b, c)]
    if len(known) < 2:
        return []
    at, lower, upper = (list(values) for values in zip(*known, strict=True))
    red, green, blue = (int(COLOURS[k % len(COLOURS)][p : p + 2], 16) for p in (1, 3, 5))
    common = {"type": "scatter", "mode": "lines", "x": at, "hoverinfo": "skip", "showlegend": False}
    edge = {"width": 0, "shape": shape}
    return [
        {**common, "y": lower, "line": edge},
        {**common, "y": upper, "line": edge, "fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.15)"},
    ]


def _axes(x: str, y: str, **more: Any) -> dict[str, Any]:
    layout: dict[str, Any] = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    for name, value in more.items():
        layout[name] = {**layout.get(name, {}), **value} if isinstance(value, Mapping) else value
    return layout


def _diagonal(name: str = "ideal") -> dict[str, Any]:
    line = {"color": GREY, "width": 1, "dash": "dot"}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [0, 1],
        "y": [0, 1],
        "line": line,
        "hoverinfo": "skip",
    }


# --- the charts --------------------------------------------------------------------------------------------


def _performance(measured: Sequence[Measured]) -> Iterator[Chart]:
    """Estimates with their intervals, a point a model; one chart a measure and cohort."""
    measures = dict.fromkeys(name for one in measured for name in one.numbers if _is_main(name))
    for measure in measures:
        having = [one for one in measured if measure in one.numbers]
        for cohort in dict.fromkeys(one.cohort for one in having):
            points = [(one, one.numbers[measure]) for one in having if one.cohort == cohort]
            yield Chart(
                "Models compared",
                measure,
                cohort or "all",
                f"{measure} in {cohort or 'all patients'}, models counted: {len(points)}; bars are 95 % intervals, "
                "where there are any. The dotted line is chance.",
                (_points_with_bars(points),),
                _axes(
                    measure,
                    "",
                    xaxis={"range": [0, 1]},
                    yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
                    height=max(260, 90 + 34 * len(points)),
                    shapes=[{"type": "line", "x0": 0.5, "x1": 0.5, "y0": 0, "y1": 1, "yref": "paper"}],
                ),
            )


def _is_main(name: str) -> bool:
    return name.startswith(("AUC", "C")) and not name.startswith("Cal")


def _points_with_bars(points: Sequence[tuple[Measured, tuple[float, float, float]]]) -> dict[str, Any]:
    def distance(a: float, b: float) -> float:
        return 0.0 if math.isnan(a) or math.isnan(b) else abs(a - b)

    names = [one.model if one.model == one.stage else f"{one.model} · {one.stage}" for one, _ in points]
    # The same model may stand in several tables of a stage; a category of plotly's holds one.
    unique = [f"{name}{' ' * names[:k].count(name)}" for k, name in enumerate(names)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [estimate for _, (estimate, _, _) in points],
        "y": unique,
        "text": [f"{one.how}; {one.patients}" for one, _ in points],
        "hovertemplate": "%{y}<br>%{x:.3f}<br>%{text}<extra></extra>",
        "marker": {"size": 10, "color": COLOURS[0]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [distance(upper, estimate) for _, (estimate, _, upper) in points],
            "arrayminus": [distance(estimate, lower) for _, (estimate, lower, _) in points],
            "color": COLOURS[0],
            "thickness": 1.6,
        },
        "showlegend": False,
    }


def _kaplan_meier(stage: Stage, cohort: str, rows: Rows) -> Iterator[Chart]:
    traces: list[dict[str, Any]] = []
    for k, (group, own) in enumerate(_groups(rows, "group")):
        times = [0.0, *_numbers(own, "time")]
        survival = [1.0, *_numbers(own, "survival")]
        traces += _band(k, times, [1.0, *_numbers(own, "lower")], [1.0, *_numbers(own, "upper")], "hv")
        at_risk = ["", *(row.get("at_risk", "") for row in own)]
        hover = "%{fullData.name}<br>time %{x}<br>survival %{y:.3f}<br>at risk %{text}<extra></extra>"
        traces.append(_line(k, group, times, survival, line={"shape": "hv"}, text=at_risk, hovertemplate=hover))
    who = rows[0].get("patients", "")
    label = cohort.replace("_", " ")
    says = f"Kaplan–Meier curves by risk group, {label}{f' ({who})' if who else ''}, with log-log bands."
    layout = _axes("Time", "Free of the event", yaxis={"range": [0, 1.03]}, xaxis={"rangemode": "tozero"})
    yield Chart("Survival by risk group", stage.title, cohort.replace("_", " "), says, tuple(traces), layout)


def _incidence(stage: Stage, _: str, rows: Rows) -> Iterator[Chart]:
    event = next((name for name in ("event", "cause") if name in rows[0]), "")
    cohort = "cohort" if "cohort" in rows[0] else "group"
    for name, own in _groups(rows, cohort):
        traces: list[dict[str, Any]] = []
        for k, (cause, of_cause) in enumerate(_groups(own, event)):
            times, values = [0.0, *_numbers(of_cause, "time")], [0.0, *_numbers(of_cause, "incidence")]
            traces.append(_line(k, f"event {cause}", times, values, line={"shape": "hv"}))
        says = "Cumulative incidence of each event (Aalen and Johansen): nobody is censored by another event."
        layout = _axes("Time", "Cumulative incidence", yaxis={"range": [0, 1.03]}, xaxis={"rangemode": "tozero"})
        yield Chart("Cumulative incidence", stage.title, name or "all", says, tuple(traces), layout)


def _calibration(stage: Stage, cohort: str, rows: Rows) -> Iterator[Chart]:
    traces: list[dict[str, Any]] = [_diagonal()]
    for k, (horizon, own) in enumerate(_groups(rows, "horizon")):
        name = f"at {shown(horizon)}" if horizon else "observed"
        traces.append(_line(k, name, _numbers(own, "predicted"), _numbers(own, "observed")))
        if any(row.get("observed_corrected") for row in own):
            corrected = _numbers(own, "observed_corrected")
            traces.append(
                _line(
                    k, f"{name}, corrected", _numbers(own, "predicted"), corrected, line={"dash": "dash", "width": 1.4}
                )
            )
    says = f"Observed against predicted risk, {cohort}; on the dotted line they are equal."
    layout = _axes("Predicted", "Observed", xaxis={"range": [0, 1]}, yaxis={"range": [0, 1]})
    yield Chart("Calibration", stage.title, cohort, says, tuple(traces), layout)


def _decision(stage: Stage, cohort: str, rows: Rows) -> Iterator[Chart]:
    where, _, horizon = cohort.rpartition("_")
    x = _numbers(rows, "threshold")
    traces: list[dict[str, Any]] = []
    if "model" in rows[0]:
        for k, (name, own) in enumerate(_groups(rows, "model")):
            traces.append(_line(k, name, _numbers(own, "threshold"), _numbers(own, "net_benefit")))
    for column, name in (
        ("net_benefit_corrected", "model, corrected"),
        ("net_benefit", "model, apparent"),
        ("net_benefit_all", "treat all"),
        ("net_benefit_none", "treat none"),
    ):
        if not (column == "net_benefit" and "model" in rows[0]) and any(row.get(column) for row in rows):
            traces.append(_line(len(traces), name, x, _numbers(rows, column)))
    best = max((value for trace in traces for value in trace["y"] if value is not None), default=1.0)
    says = f"Net benefit over the threshold probability, {where or cohort}{f', at {horizon}' if where else ''}."
    layout = _axes(
        "Threshold probability", "Net benefit", yaxis={"range": [-0.1 * max(best, 0.1), 1.08 * max(best, 0.1)]}
    )
    name = f"{stage.title} at {horizon}" if where else stage.title
    yield Chart("Decision curves", name, where or cohort, says, tuple(traces), layout)


def _auc_over_time(stage: Stage, cohort: str, rows: Rows) -> Iterator[Chart]:
    x = [shown(row.get("horizon", "")) for row in rows]
    traces = []
    for k, (column, name) in enumerate((("auc", "AUC"), ("auc_apparent", "apparent"), ("auc_corrected", "corrected"))):
        if not any(row.get(column) for row in rows):
            continue
        y = _numbers(rows, column)
        trace = _line(k, name, x, y, mode="lines+markers", marker={"size": 9})
        lower, upper = (_numbers(rows, end if column == "auc" else f"corrected_{end}") for end in ("lower", "upper"))
        if column != "auc_apparent" and any(value is not None for value in lower):
            pairs = list(zip(y, lower, upper, strict=True))
            trace["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": [(c or 0) - (a or 0) if None not in (a, c) else 0 for a, _, c in pairs],
                "arrayminus": [(a or 0) - (b or 0) if None not in (a, b) else 0 for a, b, _ in pairs],
            }
        traces.append(trace)
    layout = _axes("Horizon", "AUC", yaxis={"range": [0, 1.02]}, xaxis={"type": "category"})
    says = f"Time-dependent AUC at the horizons, {cohort}."
    yield Chart("AUC over time", stage.title, cohort, says, tuple(traces), layout)


def _brier(stage: Stage, cohort: str, rows: Rows) -> Iterator[Chart]:
    x = _numbers(rows, "horizon")
    named = (
        ("brier", "model"),
        ("brier_apparent", "apparent"),
        ("brier_corrected", "corrected"),
        ("reference", "nobody told apart"),
    )
    traces = [
        _line(k, name, x, _numbers(rows, column)) for k, (column, name) in enumerate(named) if rows[0].get(column)
    ]
    says = f"Brier score over time, {cohort}; lower is better, and a model above the reference says less than nothing."
    yield Chart(
        "Brier score",
        stage.title,
        cohort,
        says,
        tuple(traces),
        _axes("Time", "Brier score", yaxis={"rangemode": "tozero"}),
    )


def _forest(stage: Stage, _: str, rows: Rows) -> Iterator[Chart]:
    ratio = next((name for name in ("hazard_ratio", "odds_ratio") if rows[0].get(name)), "")
    kept = [
        row for row in rows if number_of(row.get("lower", "")) > 0 and math.isfinite(number_of(row.get("upper", "")))
    ]
    if not ratio or not kept:
        return
    x = [number_of(row[ratio]) for row in kept]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [row.get("column") or row.get("covariate", "") for row in kept],
        "text": [shown(row.get("p", ""), "p") for row in kept],
        "hovertemplate": "%{y}<br>%{x:.3f}<br>p %{text}<extra></extra>",
        "marker": {"size": 10, "color": COLOURS[0], "symbol": "square"},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [number_of(row["upper"]) - a for row, a in zip(kept, x, strict=True)],
            "arrayminus": [a - number_of(row["lower"]) for row, a in zip(kept, x, strict=True)],
        },
        "showlegend": False,
    }
    layout = _axes(
        ratio.replace("_", " ").capitalize(),
        "",
        xaxis={"type": "log"},
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
        height=max(260, 90 + 34 * len(kept)),
        shapes=[{"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper"}],
    )
    says = f"{ratio.replace('_', ' ').capitalize()} of each column of the model with its 95 % interval; 1 is no effect."
    yield Chart("Coefficients", stage.title, "training", says, (trace,), layout)


def _roc(stage: Stage, _: str, rows: Rows) -> Iterator[Chart]:
    """ROC curves of every model in a table of probabilities with the outcome beside them."""
    if "outcome" not in rows[0] or "part" not in rows[0]:
        return
    models = [name for name in rows[0] if name not in ("case_id", "patient", "part", "outcome", "fold", "repeat")]
    for part, own in _groups(rows, "part"):
        traces: list[dict[str, Any]] = [_diagonal("chance")]
        for k, model in enumerate(models):
            points = roc_points([(number_of(row[model]), number_of(row["outcome"])) for row in own])
            if points:
                traces.append(_line(k, model, [p[0] for p in points], [p[1] for p in points]))
        if len(traces) > 1:
            says = f"ROC curves of {len(traces) - 1} models, {part}, {len(own)} cases."
            layout = _axes("1 − specificity", "Sensitivity", xaxis={"range": [0, 1]}, yaxis={"range": [0, 1.02]})
            yield Chart("ROC curves", stage.title, part, says, tuple(traces), layout)


def roc_points(scored: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of a ROC curve, from (0, 0) to (1, 1); none without both outcomes.

    Args:
        scored: score and outcome (0 or 1) of each case; NaN cases are left out.

    Example:
        >>> roc_points([(0.9, 1), (0.4, 0), (0.6, 1), (0.1, 0)])
        [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]
    """
    known = sorted(((s, y) for s, y in scored if math.isfinite(s) and y in (0, 1)), reverse=True)
    positives, negatives = sum(y == 1 for _, y in known), sum(y == 0 for _, y in known)
    if not positives or not negatives:
        return []
    points, right, wrong = [(0.0, 0.0)], 0, 0
    for k, (score, outcome) in enumerate(known):
        right, wrong = right + (outcome == 1), wrong + (outcome == 0)
        if k + 1 == len(known) or known[k + 1][0] != score:  # ties are one step
            points.append((wrong / negatives, right / positives))
    step = max(1, len(points) // MOST_POINTS)
    return points[::step] + ([points[-1]] if (len(points) - 1) % step else [])


def _predictions(stage: Stage, _: str, rows: Rows) -> Iterator[Chart]:
    """How the predicted risks lie, by risk group, for ``predict``."""
    if "linear_predictor" not in rows[0]:
        return
    name = next(iter(rows[0]))
    group = "risk_group" if "risk_group" in rows[0] else "model_knows"
    traces = [
        {
            "type": "box",
            "name": label or "all",
            "y": _numbers(own, "linear_predictor"),
            "text": [row[name] for row in own],
            "boxpoints": "all",
            "jitter": 0.4,
            "pointpos": 0,
            "marker": {"color": COLOURS[k % len(COLOURS)], "size": 6, "opacity": 0.75},
            "hovertemplate": "%{text}<br>%{y:.3f}<extra></extra>",
        }
        for k, (label, own) in enumerate(_groups(rows, group))
    ]
    says = "Linear predictor of each patient, by risk group."
    yield Chart("Predictions", stage.title, "all", says, tuple(traces), _axes("", "Linear predictor"))


def _delong(stage: Stage, cohort: str, rows: Rows) -> Iterator[Chart]:
    names = [column for column in rows[0] if column != "model"]
    z = [[None if k == n else number_of(row[name]) for n, name in enumerate(names)] for k, row in enumerate(rows)]
    trace = {
        "type": "heatmap",
        "x": names,
        "y": [row.get("model", "") for row in rows],
        "z": [[value if value is None or math.isfinite(value) else None for value in line] for line in z],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "#08306b"], [0.05, "#4292c6"], [0.2, "#c6dbef"], [1, "#f7fbff"]],
        "hovertemplate": "%{y}<br>against %{x}<br>p %{z:.3g}<extra></extra>",
        "colorbar": {"title": {"text": "p"}, "thickness": 12},
        "xgap": 2,
        "ygap": 2,
    }
    layout = _axes(
        "", "", xaxis={"automargin": True, "tickangle": -40}, yaxis={"automargin": True, "autorange": "reversed"}
    )
    says = (
        f"DeLong's p for every pair of models, {cohort}. Pooled probabilities of folds share cases: read it with care."
    )
    yield Chart(
        "Pairs of models (DeLong)", stage.title, cohort, says, (trace,), {**layout, "height": 140 + 34 * len(names)}
    )


def _sweep(stage: Stage, _: str, rows: Rows) -> Iterator[Chart]:
    value = next((name for name in ("mean_auc", "auc", "c", "harrell") if name in rows[0]), "")
    label = next((name for name in ("sources", "region", "regions", "source", "model") if name in rows[0]), "")
    if not value or not label:
        return
    lower, upper = _numbers(rows, f"{value}_lower"), _numbers(rows, f"{value}_upper")
    y = _numbers(rows, value)
    x = [row[label] for row in rows]
    trace = _line(0, value.replace("_", " "), x, y, mode="lines+markers", marker={"size": 8})
    says = "Every ring size with its interval: all are shown, not the best alone."
    layout = _axes("", value.replace("_", " "), xaxis={"type": "category", "automargin": True, "tickangle": -40})
    yield Chart("Ring sizes", stage.title, "training", says, (*_band(0, x, lower, upper), trace), layout)


def _regions(stage: Stage, _: str, rows: Rows) -> Iterator[Chart]:
    rings = [row for row in rows if row.get("kind") != "tumour" and row.get("retained_fraction")]
    if not rings:
        return
    traces = []
    for k, (region, own) in enumerate(_groups(rings, "region")):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": region,
                "x": _numbers(own, "voxels"),
                "y": _numbers(own, "retained_fraction"),
                "text": [f"{row.get('case_id', '')} {row.get('phase', '')}" for row in own],
                "hovertemplate": "%{text}<br>%{x} voxels<br>%{y:.2f} of the ring left<extra></extra>",
                "marker": {"size": 8, "color": COLOURS[k % len(COLOURS)], "opacity": 0.8},
            }
        )
    says = "Each ring of each case: its voxels, and the part that organ, windows and other tumours left of it."
    layout = _axes("Voxels", "Part of the ring that is left", xaxis={"type": "log"}, yaxis={"range": [0, 1.04]})
    yield Chart("Quality of the rings", stage.title, "all", says, tuple(traces), layout)


DRAWN: Mapping[str, Callable[[Stage, str, Rows], Iterator[Chart]]] = {
    r"kaplan_meier_(?P<cohort>.+)": _kaplan_meier,
    r"cumulative_incidence": _incidence,
    r"calibration_curve_(?P<cohort>.+)": _calibration,
    r"decision_curve_(?P<cohort>.+)": _decision,
    r"auc_(?P<cohort>.+)": _auc_over_time,
    r"brier_(?P<cohort>.+)": _brier,
    r"coefficients": _forest,
    r"predictions(_other_parts)?": _roc,
    r"predictions": _predictions,
    r"delong_(?P<cohort>.+)": _delong,
    r"ring_sweep": _sweep,
    r"regions": _regions,
}
"""Name of a table -> what is drawn of it."""
