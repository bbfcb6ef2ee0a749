"""A page for the patient: one HTML file that holds all it shows, to be read without this program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.sketch import as_svg
from SurvivalNomogramLib.bundles.patient_reading import PatientReading
from SurvivalNomogramLib.models.cox import CoxModel
from SurvivalNomogramLib.report.patient_sketches import GroupCurve, curve_sketch, nomogram_sketch

from .patient import notes_of

LIMITS = (
    "For research use only. This page is no medical device's result and no basis for a decision about treatment.",
    "The prediction is that of a statistical model for patients like those that it was fitted on; it knows nothing of "
    "what the model does not ask for.",
    "An interval tells how uncertain the expected course of such patients is, not how one patient's differs from it.",
)
_WIDTH = 640
_STYLE = (
    "body{font:14px/1.45 sans-serif;max-width:720px;margin:24px auto;padding:0 16px;color:#111}"
    "h1{font-size:22px;margin:0}h2{font-size:16px;margin:22px 0 6px;border-bottom:1px solid #ccc}"
    "table{border-collapse:collapse}td,th{padding:3px 12px 3px 0;text-align:left;vertical-align:top}"
    "th{font-weight:600;border-bottom:1px solid #999}.warn{color:#a33c00}.small{color:#555;font-size:12px}"
    "img{max-width:100%;height:auto}figure{margin:8px 0}figcaption{color:#555;font-size:12px}"
    "svg{max-width:100%;height:auto}@media print{body{margin:0}h2{break-after:avoid}figure,svg,tr{break-inside:avoid}}"
)


@dataclass(frozen=True)
class PagePicture:
    """A picture of the page: what it shows, and its PNG in base64."""

    caption: str
    png: str


def patient_page(
    reading: PatientReading,
    *,
    model: str,
    patient: str = "",
    groups: Sequence[GroupCurve] = (),
    pictures: Sequence[PagePicture] = (),
) -> str:
    """Return the page as HTML.

    Args:
        reading: with or without a prediction.
        model: its name.
        patient: what the patient is called; "": a patient without a name.
        groups: curves of the risk groups.
        pictures: of tumour and rings.
    """
    bundle = reading.bundle
    parts = [
        f"<h1>{escape(patient or 'Patient')}</h1>",
        f'<p class="small">Model: {escape(model)}. For research use only.</p>',
        *(f'<p class="warn">{escape(note)}</p>' for note in notes_of(reading)),
    ]
    if reading.is_predicted:
        parts += ["<h2>Prediction</h2>", _prediction(reading)]
        if isinstance(bundle.model, CoxModel):
            parts.append(as_svg(curve_sketch(reading, groups, _WIDTH)))
    if pictures:
        parts.append("<h2>Tumour and rings</h2>")
        parts += [
            f'<figure><img alt="{escape(each.caption)}" src="data:image/png;base64,{each.png}">'
            f"<figcaption>{escape(each.caption)}</figcaption></figure>"
            for each in pictures
        ]
    if bundle.nomogram is not None:
        parts += ["<h2>Nomogram</h2>", as_svg(nomogram_sketch(bundle.nomogram, reading, _WIDTH))]
    parts += ["<h2>Values</h2>", _values(reading), "<h2>Settings of the model</h2>", _settings(reading)]
    parts += ["<h2>Limits</h2>", "<ul>", *(f"<li>{escape(line)}</li>" for line in LIMITS), "</ul>"]
    body = "\n".join(parts)
    head = (
        f'<meta charset="utf-8"><title>{escape(patient or "Patient")}: {escape(model)}</title><style>{_STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def write_page(path: Path | str, html: str) -> Path:
    """Write a page. Raises InputError if it cannot be written."""
    path = Path(path)
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise InputError(f"page {str(path)!r} cannot be written: {error.strerror}") from None
    return path


def _prediction(reading: PatientReading) -> str:
    unit = getattr(reading.bundle.model, "time_unit", "")
    what = f"probability of {reading.bundle.competing.event}" if reading.bundle.competing else "survival"
    rows = []
    for one in reading.horizons:
        known = one.lower == one.lower and one.upper == one.upper
        interval = f"{one.lower:.0%} to {one.upper:.0%}" if known else "not known"
        rows.append((f"{what} at {one.time:g} {unit}", f"{one.probability:.0%}", interval))
    if reading.median == reading.median:
        reached = f"{reading.median:g} {unit}" if reading.median < float("inf") else "not reached in the follow-up"
        rows.append(("median survival", reached, ""))
    if reading.probability == reading.probability:
        rows.append(("probability", f"{reading.probability:.0%}", ""))
    if reading.group:
        rows.append(("risk group", reading.group, ""))
    if reading.points:
        rows.append(("total points", f"{reading.total_points:.0f}", ""))
    return _table(("", "value", "95 % interval"), rows)


def _values(reading: PatientReading) -> str:
    rows = []
    for name, value in reading.values.items():
        points = f"{reading.points[name]:.0f}" if name in reading.points else ""
        filled = "no value: filled" if name in reading.missing else ""
        outside = "outside the training range" if name in reading.outside else ""
        rows.append((name, f"{value:.6g}" if isinstance(value, float) else value, points, filled or outside))
    return _table(("covariate", "value", "points", "note"), rows)


def _settings(reading: PatientReading) -> str:
    bundle, model = reading.bundle, reading.bundle.model
    columns = dict(bundle.settings.get("columns") or {})
    provenance = dict(bundle.provenance)
    rows = [
        ("kind", "Cox model" if isinstance(model, CoxModel) else "logistic model"),
        ("covariates", ", ".join(term.name for term in model.terms)),
        ("fitted on", f"{getattr(model, 'n', '?')} patients, {getattr(model, 'events', '?')} events"),
        ("end point", f"{columns.get('event', '?')} in {columns.get('time', '?')}"),
        ("made", str(provenance.get("made", ""))),
        ("program", str(dict(provenance.get("versions") or {}).get("peritumoral-radiomics", ""))),
        ("hash of the training data", str(bundle.fitted.salt)[:16] if bundle.fitted.patients else ""),
    ]
    return _table(("setting", "value"), [row for row in rows if row[1]])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = ["<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join([f"<table><tr>{head}</tr>", *lines, "</table>"])
