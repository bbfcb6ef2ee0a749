"""The .ui file: only widgets that Slicer 5.8 has, bound to parameters that are there, all of them given the scene."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import pythonqt
import slicer
import slicer_widgets
from PySide6 import QtGui

FILE = Path(__file__).resolve().parents[2] / "PeritumoralRadiomics" / "Resources" / "UI" / "PeritumoralRadiomics.ui"
ROOT = ElementTree.parse(FILE).getroot()
# Classes with a plugin for Qt Designer in Slicer 5.8 or CTK, so that Slicer's loader can make them.
CUSTOM = {
    "qMRMLWidget",
    "qMRMLNodeComboBox",
    "qMRMLTableView",
    "ctkCollapsibleButton",
    "ctkCollapsibleGroupBox",
    "ctkCheckableComboBox",
    "ctkPathLineEdit",
    "ctkSliderWidget",
}
INPUTS = {"QComboBox", "QLineEdit", "QSpinBox", "QDoubleSpinBox", "QCheckBox", "QPushButton", "qMRMLNodeComboBox"}


def widgets():
    return [(item.get("class"), item.get("name"), item) for item in ROOT.iter("widget")]


def text_of(item, name):
    found = item.find(f"property[@name='{name}']/string")
    return "" if found is None else found.text


def bound():
    return {
        text_of(item, "SlicerParameterName"): (kind, name)
        for kind, name, item in widgets()
        if text_of(item, "SlicerParameterName")
    }


def test_every_class_is_qts_slicers_or_ctks():
    assert {kind for kind, _, _ in widgets()} <= CUSTOM | set(pythonqt.CLASSES)
    assert {item.find("class").text for item in ROOT.iter("customwidget")} == CUSTOM


def test_the_stand_in_has_no_other_class_than_slicer():
    made = {item.__name__ for item in slicer_widgets.MRML_CLASSES + slicer_widgets.CTK_CLASSES}
    assert made == CUSTOM


def test_every_name_is_used_once():
    names = [name for _, name, _ in widgets()]
    assert len(set(names)) == len(names)


def test_every_bound_widget_has_its_parameter(window):
    import PeritumoralRadiomics

    parameters = set(PeritumoralRadiomics.PeritumoralRadiomicsParameterNode.allParameters)
    assert set(bound()) <= parameters


def test_every_parameter_can_be_reached_from_the_panel(panel):
    parameters = set(type(panel._parameterNode).allParameters)
    made_by_the_panel = {"qualityTable", "chart"}
    assert parameters - set(bound()) - set(panel.connectors()) == made_by_the_panel


def test_every_mrml_widget_is_given_the_scene():
    need = {name for kind, name, _ in widgets() if kind.startswith("qMRML") and kind != "qMRMLWidget"}
    assert {item.find("receiver").text for item in ROOT.iter("connection")} == need


def test_every_input_has_a_tool_tip():
    assert [name for kind, name, item in widgets() if kind in INPUTS and not text_of(item, "toolTip")] == []


def test_sections_come_in_the_order_of_the_work():
    sections = [text_of(item, "text") for kind, _, item in widgets() if kind == "ctkCollapsibleButton"]
    assert sections == ["1. Scan and tumour", "2. Rings", "3. Features", "4. Feature map"]


@pytest.mark.parametrize("width", [400, 460, 500, 600])
def test_no_text_is_cut_off(panel, make_case, width):
    made = make_case()
    panel.enter()
    assert made.volume is panel._parameterNode.volume
    panel.ui.mapsCollapsibleButton.collapsed = False
    show(panel, width)
    cut = []
    for name, widget in vars(panel.ui).items():
        if (
            type(widget).__name__ in ("QLabel", "QPushButton", "QCheckBox")
            and widget.visible
            and widget.text
            and not cut_free(widget)
        ):
            cut.append((name, widget.text, widget.width, widget.sizeHint().width()))
    assert cut == []


def test_the_panel_is_never_wider_than_400_pixels_whatever_the_names(panel, make_case, draw_segment):
    made = make_case("CT of the thorax and abdomen, portal venous phase, 1.25 mm, kernel B30f, resampled")
    for number in range(9):
        draw_segment(made, f"vessel or organ at risk with a rather long name, number {number}", made.ball)
    panel.enter()
    panel._parameterNode.tumourSegment = "vessel or organ at risk with a rather long name, number 3"
    panel._parameterNode.distancesMm = ", ".join(str(n / 2) for n in range(1, 20))
    panel.ui.createRingsButton.click()
    for section in (panel.ui.moreRingsGroupBox, panel.ui.moreFeaturesGroupBox, panel.ui.logGroupBox):
        section.collapsed = False
    panel.ui.mapsCollapsibleButton.collapsed = False
    show(panel, 400)
    assert panel.parent.width == 400
    assert panel.parent.minimumSizeHint().width() <= 400


def test_a_folded_group_is_its_title_and_no_empty_bar(panel):
    show(panel, 500)
    for box in (panel.ui.moreRingsGroupBox, panel.ui.moreFeaturesGroupBox, panel.ui.logGroupBox):
        assert box.collapsed and box.height <= qt_line(box) + 6, box.name
        box.collapsed = False
        show(panel, 500)
        assert box.height > 3 * qt_line(box)


def qt_line(widget):
    """Height of a line of a widget's text, pixels."""
    return QtGui.QFontMetrics(widget.font).height()


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
