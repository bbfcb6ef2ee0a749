"""A control for each covariate of a model: a slider for a number, a box for a category, unchecked for "not known"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from slicer.i18n import tr as _

from RadiomicsCoreLib.figures.sketch import elided
from SurvivalNomogramLib.bundles.bundle import ModelBundle
from SurvivalNomogramLib.bundles.patient_reading import covariates_of
from SurvivalNomogramLib.tables.covariates import Term

_BEYOND = 0.2
"""How far a slider goes beyond the training range, of its width: a patient outside it must be told, not refused."""
_STEPS = 200
_NAME_PX = 130


class ValueControls:
    """Makes the controls of a model inside a frame.

    Args:
        frame: a QFrame with a layout.
        onValues: called with all values after the user changed one; of a covariate that is not known there is none.
    """

    def __init__(self, frame: Any, onValues: Callable[[Mapping[str, str]], None]) -> None:
        self._frame, self._onValues = frame, onValues
        self._holder: Any = None
        self._controls: dict[str, _Control] = {}
        self._showing = False

    def build(self, bundle: ModelBundle | None) -> None:
        """Make the controls of a model, in place of those before."""
        import qt

        if self._holder is not None:
            self._holder.hide()
            self._holder.deleteLater()
        self._holder, self._controls = None, {}
        if bundle is None:
            return
        self._holder = qt.QWidget()
        form = qt.QFormLayout(self._holder)
        form.setContentsMargins(0, 0, 0, 0)
        metrics = qt.QFontMetrics(self._holder.font)
        for term in covariates_of(bundle):
            made = _Choice(term) if term.is_categorical else _Slider(term, bundle)
            shown = elided(term.name, _NAME_PX, 1, lambda text, _size: float(metrics.horizontalAdvance(text)))
            made.check.text = shown
            made.check.toolTip = _("{name}: uncheck it if it is not known.").format(name=term.name)
            form.addRow(made.check, made.widget)
            made.connect(self._onUser)
            self._controls[term.name] = made
        self._frame.layout().addWidget(self._holder)

    def show(self, values: Mapping[str, str]) -> None:
        """Show these values; a covariate that has none is not known."""
        self._showing = True
        try:
            for name, control in self._controls.items():
                control.show(values.get(name, ""))
        finally:
            self._showing = False

    def control(self, name: str) -> Any:
        """Return the widget of a covariate."""
        return self._controls[name].widget

    def check(self, name: str) -> Any:
        """Return the check box of a covariate."""
        return self._controls[name].check

    def _onUser(self, *_args: Any) -> None:
        if not self._showing:
            values = {name: control.value() for name, control in self._controls.items()}
            self._onValues({name: value for name, value in values.items() if value != ""})


class _Control:
    """A check box that says whether the value is known, and a widget that holds it."""

    def __init__(self, widget: Any) -> None:
        import qt

        self.widget = widget
        self.check = qt.QCheckBox()
        self._kept = ("", "")

    def connect(self, onUser: Callable[..., None]) -> None:
        """Call a function when the user changes something."""
        self.check.connect("toggled(bool)", onUser)

    def value(self) -> str:
        """Return the value as a text; "" if it is not known."""
        shown = self.read()
        exact = self._kept[1] if shown == self._kept[0] else shown  # what is shown may have fewer digits
        return exact if self.check.checked else ""

    def show(self, text: str) -> None:
        """Show a value; "": it is not known."""
        from RadiomicsSlicerLib.connectors import quietly

        known = text != ""
        if self.check.checked != known:
            quietly(self.check, lambda: setattr(self.check, "checked", known))
        self.widget.enabled = known
        if known and (self.read(), text) != self._kept:
            quietly(self.widget, lambda: self.write(text))
            self._kept = (self.read(), text)

    def read(self) -> str:
        """Return what the widget holds."""
        raise NotImplementedError

    def write(self, text: str) -> None:
        """Let the widget hold this."""
        raise NotImplementedError


class _Slider(_Control):
    """A number within the training range, and a bit beyond."""

    def __init__(self, term: Term, bundle: ModelBundle) -> None:
        import ctk

        super().__init__(ctk.ctkSliderWidget())
        ticks = bundle.nomogram.ticks[term.name] if bundle.nomogram is not None else (0.0, 100.0)
        low, high = min(ticks), max(ticks)
        span = high - low
        self._decimals = max(0, 2 - math.floor(math.log10(span))) if span > 0 else 2
        whole = len(ticks) <= 10 and all(float(tick).is_integer() for tick in ticks)
        slider = self.widget
        slider.decimals = 0 if whole or span > 20 * _STEPS else self._decimals
        self._decimals = slider.decimals
        # The higher end first: a slider refuses a lower end above its higher one.
        slider.maximum = max(slider.maximum, high + _BEYOND * span)
        slider.minimum = low - _BEYOND * span
        slider.maximum = high + _BEYOND * span
        slider.singleStep = 1.0 if slider.decimals == 0 else 10.0 ** -max(0, self._decimals - 1)
        words = _("{name}: training patients have {low} to {high}.")
        slider.toolTip = words.format(name=term.name, low=f"{low:g}", high=f"{high:g}")

    def connect(self, onUser: Callable[..., None]) -> None:
        """Call a function when the user changes something."""
        super().connect(onUser)
        self.widget.connect("valueChanged(double)", onUser)

    def read(self) -> str:
        """Return the number, with as many digits as are shown."""
        return f"{round(self.widget.value, self._decimals):.10g}"

    def write(self, text: str) -> None:
        """Let the slider stand at a number; one beyond its ends widens it: no value is ever changed by showing it."""
        value = float(text)
        self.widget.minimum = min(self.widget.minimum, value)
        self.widget.maximum = max(self.widget.maximum, value)
        self.widget.value = value


class _Choice(_Control):
    """A level of a category."""

    def __init__(self, term: Term) -> None:
        import qt

        from RadiomicsSlicerLib.connectors import fill_items

        super().__init__(qt.QComboBox())
        fill_items(self.widget, [(level, level) for level in term.levels], "")
        self.widget.toolTip = _("{name}: against {level}.").format(name=term.name, level=term.levels[0])

    def connect(self, onUser: Callable[..., None]) -> None:
        """Call a function when the user changes something."""
        super().connect(onUser)
        self.widget.connect("currentIndexChanged(int)", onUser)

    def read(self) -> str:
        """Return the level."""
        return self.widget.itemData(self.widget.currentIndex) or ""

    def write(self, text: str) -> None:
        """Let the box show a level; one that the model does not know is told by the reading."""
        if self.widget.findData(text) < 0:
            self.widget.addItem(text, text)
        self.widget.setCurrentIndex(self.widget.findData(text))
