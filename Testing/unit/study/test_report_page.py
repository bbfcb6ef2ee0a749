"""The report in a browser: clicked, sorted, computed, printed, by keyboard, narrow and wide; no error, no request.

Needs Playwright's Python package and a Chromium; where one is absent, the tests are skipped. With ``AXE_CORE`` naming
axe-core's ``axe.min.js``, contrast and roles are checked too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_study import HOSTILE, write_study

from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsStudyLib.report.write_report import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LONG_MS = 300_000  # a busy machine takes its time
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    pytest.importorskip("plotly", reason="the charts' library is not installed")
    folder = write_study(tmp_path_factory.mktemp("browser") / "liu")
    write_report(folder)
    return folder


class Opened:
    """A page in the browser, with what it asked for and what it complained about."""

    def __init__(self, page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(LONG_MS)
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, said) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def value(self, script: str):
        """The value of a piece of JavaScript."""
        return self.page.evaluate(script)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with sync_api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=LONG_MS)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=[1280, 390])
def opened(browser, study, request) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": request.param, "height": 900}, bypass_csp=bool(axe_file()))
    report = Opened(context.new_page())
    report.page.goto((study / "report.html").as_uri())
    yield report
    context.close()


def axe_file() -> str:
    return os.environ.get("AXE_CORE", "")


def test_it_opens_without_a_complaint_and_asks_for_nothing(opened):
    assert opened.value("document.querySelectorAll('#chart .main-svg').length") > 0
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert opened.value("window.hacked === undefined")


def test_nothing_is_wider_than_the_window(opened):
    assert opened.value("document.documentElement.scrollWidth <= window.innerWidth")


def test_every_chart_can_be_chosen_and_is_drawn(opened):
    page, drawn = opened.page, 0
    for kind in page.locator("#chart-kind option").all_text_contents():
        page.select_option("#chart-kind", kind)
        for model in page.locator("#chart-model option").evaluate_all("options => options.map(one => one.value)"):
            if page.locator("#chart-model").is_enabled():
                page.select_option("#chart-model", model)
            assert opened.value("document.getElementById('chart-says').textContent.length") > 20
            assert opened.value("document.querySelectorAll('#chart .main-svg .trace').length") > 0, (kind, model)
            drawn += 1
    assert drawn > 10 and opened.complaints == []
    assert opened.value("document.querySelectorAll('#chart-numbers tbody tr').length") > 0
    assert opened.value("document.querySelector('#chart img') === null && window.hacked === undefined")


def test_the_cohort_of_a_chart_can_be_switched(opened):
    page = opened.page
    page.select_option("#chart-kind", "Survival by risk group")
    cohorts = page.locator("#chart-cohort option").all_text_contents()
    assert {"train", "test"} <= set(cohorts)
    heard = []
    for cohort in ("train", "test"):
        page.select_option("#chart-cohort", cohort)
        heard.append(opened.value("JSON.stringify(document.getElementById('chart').data.map(trace => trace.y))"))
    assert heard[0] != heard[1]


def test_the_calculator_says_what_predict_says(opened, study, tmp_path):
    from job_runs import run_job
    from report_study import patients

    page = opened.page
    frame = patients().iloc[:3]
    run_job("predict", tmp_path / "out", bundle=study / "clinical" / "model", cohort=frame)
    expected = read_csv(tmp_path / "out" / "predictions.csv")
    page.select_option("#calculator-model", index=0)
    for k, row in enumerate(frame.to_dict("records")):
        names = page.locator("#calculator-form [name]").evaluate_all("all => all.map(one => one.name)")
        for place, name in enumerate(names):
            control = page.locator(f"#value-{place}")
            value = str(row[name])
            control.select_option(value) if name == "stage" else control.fill(value)
        shown = page.locator("#calculator-result").inner_text()
        assert f"{expected['total_points'][k]:.1f}" in shown
        assert f"{100 * expected['survival_365'][k]:.1f} %" in shown
        assert f"{100 * expected['survival_365_lower'][k]:.1f} % to" in shown
        assert expected["risk_group"][k] in shown
    page.locator("#value-0").fill("")
    assert "age needs a number" in page.locator("#calculator-result").inner_text()
    page.locator("#value-0").fill("500")
    assert "extrapolated" in page.locator("#calculator-result").inner_text()


def test_cases_are_sorted_and_those_without_problems_hidden(opened):
    page = opened.page
    names = "[...document.querySelectorAll('#case-list > li:not([hidden])')].map(card => card.dataset.name)"
    page.select_option("#case-sort", "weight")
    assert opened.value(names) == ["broken", HOSTILE, "a fine case"]
    page.select_option("#case-sort", "volume")
    assert opened.value(names) == [HOSTILE, "a fine case", "broken"]
    page.check("#case-problems")
    assert opened.value(names) == [HOSTILE, "broken"]
    page.uncheck("#case-problems")


def test_a_picture_is_enlarged_and_closed_by_the_keyboard(opened):
    page = opened.page
    page.locator(".zoom").first.focus()
    page.keyboard.press("Enter")
    assert opened.value("document.getElementById('viewer').open")
    page.keyboard.press("Escape")
    assert not opened.value("document.getElementById('viewer').open")


def test_a_table_is_sorted_by_the_keyboard_both_ways(opened):
    page = opened.page
    head = page.locator("#model-tables th button").first
    column = "[...document.querySelectorAll('#model-tables table:first-of-type tbody')][0]"
    names = f"[...{column}.rows].map(row => row.cells[0].textContent)"
    head.focus()
    page.keyboard.press("Enter")
    rising = opened.value(names)
    page.keyboard.press("Enter")
    falling = opened.value(names)
    assert rising[0] == falling[-1] and rising != falling
    assert opened.value("document.querySelector('#model-tables th').getAttribute('aria-sort')") == "descending"


def test_the_models_of_one_cohort_can_be_shown_alone(opened):
    page = opened.page
    page.select_option("#model-cohort", "test")
    shown = "[...document.querySelectorAll('#model-tables tbody tr:not([hidden])')].map(row => row.dataset.cohort)"
    assert set(opened.value(shown)) == {"test"}
    page.select_option("#model-cohort", "")


def test_the_keyboard_reaches_every_control(opened):
    page = opened.page
    wanted = {"case-sort", "chart-kind", "calculator-model", "value-0", "model-cohort", "checklist-open"}
    reached = set()
    for _ in range(600):  # the page's links, tables and buttons stand between them
        page.keyboard.press("Tab")
        reached.add(opened.value("document.activeElement.id"))
        if wanted <= reached:
            break
    assert wanted <= reached


def test_it_prints(opened):
    content = opened.page.pdf()
    assert content.startswith(b"%PDF") and len(content) > 20_000


def test_contrast_names_and_roles_are_sound(opened):
    if not axe_file():
        pytest.skip("AXE_CORE names no axe.min.js")
    opened.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    opened.page.add_script_tag(path=axe_file())
    found = opened.value("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []
