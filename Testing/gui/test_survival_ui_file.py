"""The .ui file of SurvivalNomogram: only widgets that Slicer has, bound to parameters, 400 pixels wide."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import pythonqt
import slicer
import slicer_widgets

FILE = Path(__file__).resolve().parents[2] / "SurvivalNomogram" / "Resources" / "UI" / "SurvivalNomogram.ui"
ROOT = ElementTree.parse(FILE).getroot()
SLICERS = {made.__name__ for made in slicer_widgets.MRML_CLASSES + slicer_widgets.CTK_CLASSES}
INPUTS = {
    "QComboBox",
    "QLineEdit",
    "QSpinBox",
    "QDoubleSpinBox",
    "QCheckBox",
    "QPushButton",
    "qMRMLNodeComboBox",
    "ctkCheckableComboBox",
    "ctkPathLineEdit",
}


def widgets():
    return [(item.get("class"), item.get("name"), item) for item in ROOT.iter("widget")]


def text_of(item, name):
    found = item.find(f"property[@name='{name}']/string")
    return "" if found is None else found.text or ""


def bound():
    return {text_of(item, "SlicerParameterName") for _, _, item in widgets()} - {""}


@pytest.fixture
def panel(window):
    return window.open_panel("SurvivalNomogram")


def test_every_class_is_qts_slicers_or_ctks_and_every_name_is_used_once():
    assert {kind for kind, _, _ in widgets()} <= SLICERS | set(pythonqt.CLASSES)
    assert {item.find("class").text for item in ROOT.iter("customwidget")} == {k for k, _, _ in widgets()} & SLICERS
    names = [name for _, name, _ in widgets()]
    assert len(set(names)) == len(names)


def test_every_parameter_can_be_reached_from_the_panel(panel):
    parameters = set(type(panel._parameterNode).allParameters)
    by_hand = {"covariates", "categorical", "references", "values", "patient"}  # the list and the controls
    results = {"chart", "patientTable", "patientChart", "predictions"}
    assert bound() <= parameters
    assert parameters - bound() - set(panel.connectors()) == by_hand | results


def test_every_mrml_widget_is_given_the_scene():
    need = {name for kind, name, _ in widgets() if kind.startswith("qMRML") and kind != "qMRMLWidget"}
    assert {item.find("receiver").text for item in ROOT.iter("connection")} == need


def test_every_input_has_a_tool_tip(panel):
    names = [name for kind, name, _ in widgets() if kind in INPUTS and name != "cancelButton"]
    assert [name for name in names if not getattr(panel.ui, name).toolTip] == []


def test_sections_come_in_the_order_of_the_work():
    sections = [text_of(item, "text") for kind, _, item in widgets() if kind == "ctkCollapsibleButton"]
    assert sections == ["1. Patients", "2. Fit a model", "3. Models and charts", "4. This patient"]


def show(panel, width):
    """Show the panel at a width, as tall as it then is."""
    panel.parent.resize(width, 100)
    panel.parent.show()
    for _ in range(3):
        slicer.app.processEvents()
        panel.parent.resize(width, panel.parent.layout().totalHeightForWidth(width))
    slicer.app.processEvents()


def cut_free(widget):
    if getattr(widget, "wordWrap", False):
        return widget.height >= widget.heightForWidth(widget.width)
    return widget.width >= widget.sizeHint().width()


@pytest.mark.parametrize("width", [400, 500])
def test_no_text_is_cut_off(panel, width):
    panel.ui.sampleButton.click()
    show(panel, width)
    cut = []
    for name, widget in vars(panel.ui).items():
        plain = type(widget).__name__ in ("QLabel", "QPushButton", "QCheckBox")
        if plain and widget.visible and widget.text and not cut_free(widget):
            cut.append((name, widget.text, widget.width, widget.sizeHint().width()))
    assert cut == []


def test_the_panel_is_never_wider_than_400_pixels_whatever_the_names(panel):
    panel.ui.sampleButton.click()
    long = "venous phase, peritumoral ring of 0 to 6 mm, wavelet-LLH, grey level co-occurrence, joint entropy"
    panel._parameterNode.cohort.SetName(long)
    panel._parameterNode.model.SetName(long)
    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        node.SetName(f"{node.GetName()} {long}")
    panel.ui.moreFitGroupBox.collapsed = False
    panel.ui.notesGroupBox.collapsed = False
    panel.ui.logGroupBox.collapsed = False
    panel._onModified()
    show(panel, 400)
    assert panel.parent.width == 400
    assert panel.parent.minimumSizeHint().width() <= 400


def test_pictures_follow_the_width_of_the_panel(panel):
    panel.ui.sampleButton.click()
    widths = []
    for width in (400, 640):
        show(panel, width)
        panel._onWatch()
        widths.append([panel.ui.nomogramLabel.pixmap.width(), panel.ui.pictureLabel1.pixmap.width()])
    assert widths[0] < widths[1] and max(widths[0]) <= 400
