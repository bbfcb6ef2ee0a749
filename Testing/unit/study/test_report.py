"""The report's page: everything the folder tells, nothing that the data could smuggle in, whatever is missing."""

from __future__ import annotations

import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from job_runs import run_job
from report_study import HOSTILE, HOSTILE_COLUMN, QUICK, patients, write_study

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.report.write_report import LARGEST_TABLE_BYTES, plotly_js, write_report

LARGEST_PAGE_BYTES = 15_000_000


class Page(HTMLParser):
    """Elements of a page with their attributes, the text outside scripts, and the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif self._inside != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    return write_study(tmp_path_factory.mktemp("Saint Nowhere Hospital") / "liu")


@pytest.fixture(scope="module")
def source(study) -> str:
    return write_report(study).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source) -> Page:
    return Page(source)


def test_the_page_has_every_section_of_a_study(page):
    ids = {attributes.get("id") for _, attributes in page.elements}
    sections = "overview warnings cohort cases features models charts calculator stages methods checklists"
    assert set(sections.split()) <= ids
    for words in ("liu2025", "Table 1", "2 s", "ab" * 32, "numpy", "north", "stages: []"):
        assert words in page.text, words


def test_no_text_of_the_data_becomes_an_element_or_a_script(source, page):
    assert HOSTILE not in source and "<img src=x" not in source
    assert html.escape(HOSTILE, quote=False).replace("&lt;/", "&lt;/") in source
    assert HOSTILE in page.text and HOSTILE_COLUMN in page.text
    assert all("onerror" not in attributes for _, attributes in page.elements)
    runs = [text for attributes, text in page.scripts if attributes.get("type") != "application/json"]
    assert len(runs) <= 2
    for attributes, text in page.scripts:
        if attributes.get("type") == "application/json":
            assert "<" not in text
            json.loads(text)


def test_the_page_allows_itself_no_network_and_no_script_but_its_own(source, page):
    (policy,) = (a["content"] for tag, a in page.elements if tag == "meta" and "Policy" in str(a.get("http-equiv")))
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy.split("script-src")[1]
    addresses = [
        value for _, attributes in page.elements for key, value in attributes.items() if key in ("src", "href")
    ]
    assert addresses and all(value.startswith(("data:image/", "#")) for value in addresses)


def test_no_folder_of_the_machine_and_no_name_of_a_patient_stands_in_it(study, source):
    assert str(study.parent) not in source and "Saint Nowhere" not in source and str(Path.home()) not in source
    assert "Doe^Jane" not in source and "patient_name" not in source


def test_cases_with_problems_come_first(page):
    cards = [attributes["data-name"] for tag, attributes in page.elements if tag == "li" and "data-name" in attributes]
    assert cards == ["broken", HOSTILE, "a fine case"]


def test_the_flow_counts_who_was_studied_and_who_failed(page):
    assert re.search(r"120 Cohort table", page.text) and "1 failed: no mask" in page.text
    assert "train: 80" in page.text and "test: 40" in page.text


def test_every_model_stands_with_its_interval_as_the_tables_say(study, page):
    rows = read_csv(study / "clinical" / "concordance.csv")
    (test,) = rows[rows["cohort"] == "test"].to_dict("records")
    expected = f"{test['harrell']:.3f} ({test['harrell_lower']:.3f} to {test['harrell_upper']:.3f})"
    assert expected in page.text


def test_what_failed_is_told_first_among_the_warnings(page):
    kinds = [attributes.get("class") for tag, attributes in page.elements if tag == "li"]
    listed = [kind for kind in kinds if kind in ("failed", "warning", "skipped")]
    assert listed[0] == "failed" and listed == sorted(listed, key=lambda kind: kind != "failed")


def test_a_page_of_many_pictures_stays_small(tmp_path):
    import numpy as np
    from PIL import Image

    from RadiomicsStudyLib.report.pictures import CASES_BYTES, FIGURES_BYTES, embedded

    noise = np.random.default_rng(0).integers(0, 255, (500, 700, 3), np.uint8)  # nothing compresses worse
    paths = [tmp_path / f"{k}.png" for k in range(12)]
    for path in paths:
        Image.fromarray(noise).save(path)
    few = embedded(paths, budget=900_000)
    assert len(few) == 12 and sum(map(len, few.values())) <= 900_000
    assert sum(map(len, embedded(paths, budget=10_000).values())) <= 10_000
    assert CASES_BYTES + FIGURES_BYTES + len(plotly_js()) < 0.85 * LARGEST_PAGE_BYTES  # the rest is text
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    assert embedded([tmp_path / "torn.png"]) == {}


# --- checklists --------------------------------------------------------------------------------------------


def test_the_checklists_have_all_their_items_and_mark_those_of_the_author(study, source):
    counts = {"clear": 58, "metrics": 30, "tripod_ai": 52}
    for name in (*counts, "probast_ai", "ibsi"):
        rows = read_csv(study / "checklists" / f"{name}.csv", text_columns=("number", "page"))
        assert len(rows) == counts.get(name, len(rows)), name
        assert len(set(rows["number"])) == len(rows)
        answered = rows["answer"].notna()
        assert answered.any() and not answered.all()
        assert set(rows.loc[~answered, "state"]) == {"for the author"}
    mains = {
        re.match(r"\d+", number)[0]
        for number in read_csv(study / "checklists" / "tripod_ai.csv", text_columns=("number",))["number"]
    }
    assert len(mains) == 27


def test_every_word_of_the_checklists_tables_is_a_fact_that_somebody_can_know():
    from RadiomicsStudyLib.report.checklists import facts

    text = Path(facts.__file__).read_text(encoding="utf-8")
    known = set(re.findall(r'yield \(?\s*"(\w+)"', text))
    named = {
        word
        for path in Path(facts.__file__).parent.glob("*.csv")
        for words in read_csv(path, text_columns=("facts",))["facts"].dropna()
        for word in words.split()
    }
    assert named - known == set()


# --- what may be absent ------------------------------------------------------------------------------------


def test_a_single_job_has_a_report_too(study, tmp_path, capsys):
    folder = tmp_path / "relapse"
    shutil.copytree(study / "relapse", folder)
    assert main(["report", str(folder)]) == 0
    assert "report.html" in capsys.readouterr().out
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"models", "calculator", "stages"} <= ids and "cases" not in ids and "overview" not in ids


@pytest.mark.parametrize("ending", ["study.json", "job.yaml", "model.json", ".csv", ".png", "stages.json", ""])
@pytest.mark.parametrize("content", [b"", b"\xff{[torn"], ids=["empty", "torn"])
def test_a_report_is_written_whatever_file_is_empty_or_torn(study, tmp_path, ending, content):
    folder = tmp_path / "copy"
    shutil.copytree(study, folder, ignore=shutil.ignore_patterns("report.html", "checklists", "*.pdf"))
    for path in [path for path in folder.rglob("*") if path.is_file() and path.name.endswith(ending)]:
        path.write_bytes(content)
    assert "<h2" in write_report_without_charts(folder)


def write_report_without_charts(folder: Path) -> str:
    """The charts' library is 5 MB: left out where a page is written many times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("RadiomicsStudyLib.report.write_report.plotly_js", lambda: "")
        return write_report(folder).read_text(encoding="utf-8")


def test_without_the_chart_library_the_page_says_so_and_keeps_its_figures(study):
    text = write_report_without_charts(study)
    assert "pip install plotly" in text and "data:image/webp" in text


@pytest.mark.parametrize("made", ["nothing", "empty", "a file"])
def test_a_folder_that_no_job_wrote_is_refused_in_one_line(tmp_path, made):
    folder = tmp_path / "out"
    if made == "empty":
        folder.mkdir()
    elif made == "a file":
        folder.touch()
    with pytest.raises(InputError) as caught:
        write_report(folder)
    assert "\n" not in str(caught.value) and not list(tmp_path.rglob("report.html"))


def test_a_stage_never_leads_out_of_the_study(tmp_path):
    secret, out = tmp_path / "secret", tmp_path / "out"
    for folder in (secret, out):
        folder.mkdir()
    (secret / "job.yaml").write_text("verb: cox\ncohort: hidden_word.csv\n", encoding="utf-8")
    (out / "stages.json").write_text('[{"name": "x", "folder": "../secret"}]', encoding="utf-8")
    assert "hidden_word" not in write_report_without_charts(out)


def test_a_large_table_is_named_and_not_shown(tmp_path):
    run_job("logistic", tmp_path / "out", cohort=patients(), event="relapse", covariates=["age"], **QUICK)
    rows = ["case_id,value", *(f"hidden_word_{k},1" for k in range(LARGEST_TABLE_BYTES // 12))]
    (tmp_path / "out" / "large.csv").write_text("\n".join(rows), encoding="utf-8")
    assert "hidden_word" not in write_report_without_charts(tmp_path / "out")
