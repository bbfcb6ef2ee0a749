"""What the panels of all modules share: the life of the parameter node, its binding to the widgets, error lines."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import slicer
import slicer.util
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from RadiomicsCoreLib.errors import Cancelled, RadiomicsError

FAILURE_LABEL = "failureLabel"


class ModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Base of a module's panel.

    The .ui file ``UI/<Module>.ui`` is loaded; widgets with the dynamic property ``SlicerParameterName`` are bound to
    the parameter of that name by ``connectGui``, and those that Slicer has no binding for by :meth:`connectors`.
    The .ui file may hold a label ``statusLabel`` for the last error or note.

    A derived class says what its widgets do in :meth:`connectButtons`, :meth:`connectors`, :meth:`chooseDefaults`
    and :meth:`updateButtons`, and ends what it started in :meth:`stopWork`.

    Attributes:
        title: of the message boxes.
        isReady: whether :meth:`setup` has come to its end.
    """

    title = ""

    def __init__(self, parent: Any, makeLogic: Callable[[], Any]) -> None:
        """Prepare; Slicer calls :meth:`setup` afterwards.

        Args:
            parent: given by Slicer; None: a window of its own.
            makeLogic: makes the module's Logic.
        """
        self.makeLogic = makeLogic
        self.isReady = False
        self.logic: Any = None
        self.ui: Any = None
        self._parameterNode: Any = None
        self._panel: Any = None
        self._choosesSoon = False
        self._guiTags: list[int] = []
        self._guiObservers: list[int] = []
        # Observations first: without a parent, Slicer's base calls setup at once.
        VTKObservationMixin.__init__(self)
        ScriptedLoadableModuleWidget.__init__(self, parent)

    # --- for derived classes ---------------------------------------------------------------------------------

    def connectButtons(self) -> None:
        """Connect signals of widgets; called once."""

    def connectors(self) -> Mapping[str, Any]:
        """Return parameter name to a GuiConnector, for widgets that Slicer has no binding for."""
        return {}

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose what is obvious, to spare the user clicks."""

    def mayBeChosen(self, node: Any) -> bool:
        """Tell whether a node that has come into the scene is one that :meth:`chooseDefaults` may choose."""
        return False

    def parametersChanged(self, parameters: Any) -> None:
        """React to a change of the parameters; buttons are updated afterwards."""

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now."""

    def stopWork(self, reason: str) -> None:
        """End what runs, because the module or the scene is about to go."""

    # --- called by Slicer -------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Load the panel; called when the module is opened for the first time.

        Slicer prints an exception of this function and goes on: it would call a half-made panel with every event. So
        what was made is taken away again, one line stands in its place, and the panel answers nothing any more.
        """
        ScriptedLoadableModuleWidget.setup(self)
        try:
            self._build()
            self.isReady = True
            self.initializeParameterNode()
        except Exception as error:
            self._giveUp(error)
            raise

    def _build(self) -> None:
        self._panel = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(self._panel)
        self.ui = slicer.util.childWidgetVariables(self._panel)
        self._panel.setMRMLScene(slicer.mrmlScene)
        self.logic = self.makeLogic()
        self.connectButtons()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)

    def _giveUp(self, error: Exception) -> None:
        import qt

        self.isReady = False
        words = _(
            "This panel could not be built ({error}). Update the extension and Slicer; if that does not help, send the "
            "lines of the Python console (Ctrl+3) to its developers."
        )
        label = qt.QLabel(words.format(error=_one_line(error)))
        label.name = FAILURE_LABEL
        label.textFormat = qt.Qt.PlainText
        label.wordWrap = True
        self.layout.addWidget(label)
        if self._panel is not None:
            self._panel.hide()
            self._panel.deleteLater()
        self.removeObservers()
        self.setParameterNode(None)

    def cleanup(self) -> None:
        """Let go of everything; called when the application closes or the module is reloaded."""
        self.isReady = False
        self.stopWork("the module was closed")
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Bind the panel; called each time that the module is opened."""
        if self.isReady:
            self.initializeParameterNode()

    def exit(self) -> None:
        """Unbind the panel; called each time that another module is opened. Background work goes on."""
        if self.isReady:
            self.setParameterNode(None)

    def onSceneStartClose(self, caller: Any, event: Any) -> None:
        """Stop before the scene is closed."""
        self.stopWork("the scene was closed")
        self.setParameterNode(None)

    def onSceneEndClose(self, caller: Any, event: Any) -> None:
        """Begin anew if the module is open."""
        if self.isOpen:
            self.initializeParameterNode()

    def onSceneStartImport(self, caller: Any, event: Any) -> None:
        """Unbind while a scene is read: its nodes come one by one, and Slicer's node boxes are filled at its end.

        A box that is bound then chooses another node by itself, and that went into the loaded parameter node.
        """
        self.setParameterNode(None)

    def onSceneEndImport(self, caller: Any, event: Any) -> None:
        """Bind what was loaded if the module is open."""
        if self.isOpen:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller: Any, event: Any, node: Any) -> None:
        """Choose what was loaded while the panel is open, where nothing was chosen."""
        if self._parameterNode is None or self._choosesSoon or not self.mayBeChosen(node):
            return
        import qt

        # Soon: the node is added before its voxels, its segments and the other nodes of the same patient.
        self._choosesSoon = True
        qt.QTimer.singleShot(0, self._chooseFromNew)

    def _chooseFromNew(self) -> None:
        self._choosesSoon = False
        if self._parameterNode is not None:
            self.chooseDefaults(self._parameterNode)
            self._onModified()

    @property
    def isOpen(self) -> bool:
        """Whether the user sees the panel; always, in a window of its own."""
        return getattr(self.parent, "isEntered", True)

    # --- parameter node ---------------------------------------------------------------------------------------

    def initializeParameterNode(self) -> None:
        """Bind the parameter node of the scene; it is made if there is none."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameters: Any) -> None:
        """Bind this parameter node instead of the present one; None: only unbind."""
        if self._parameterNode is not None:
            for tag in self._guiTags:
                self._parameterNode.disconnectGui(tag)
            for tag in self._guiObservers:
                self._parameterNode.RemoveObserver(tag)
            self.removeObserver(self._parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onModified)
        self._guiTags, self._guiObservers = [], []
        self._parameterNode = parameters
        if parameters is None:
            return
        self.chooseDefaults(parameters)
        self._bind(parameters)
        # The node, not its wrapper: VTKObservationMixin would keep every wrapper, each with observers of its own.
        self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onModified)
        self._onModified()

    def _bind(self, parameters: Any) -> None:
        # As connectGui, which keeps its tag to itself (Slicer 5.8 to 5.12), so that nothing could be unbound again.
        named = {widget.property("SlicerParameterName"): widget for widget in vars(self.ui).values()}
        named.pop(None, None)
        # Up to Slicer 5.10 disconnectGui leaves its observation of the node, one more each time that the module opens.
        observe = parameters.AddObserver

        def noted(*given: Any) -> int:
            tag = observe(*given)
            self._guiObservers.append(tag)
            return tag

        parameters.AddObserver = noted
        try:
            self._guiTags = [parameters.connectParametersToGui({**named, **self.connectors()})]
        finally:
            del parameters.AddObserver

    def _onModified(self, caller: Any = None, event: Any = None) -> None:
        if self._parameterNode is not None:
            self.parametersChanged(self._parameterNode)
            self.updateButtons(self._parameterNode)

    # --- words for the user -----------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Show one line at the end of the panel; an empty text clears it."""
        if hasattr(self.ui, "statusLabel"):
            self.ui.statusLabel.text = text

    @contextmanager
    def reporting(self, failure: str, *, waitCursor: bool = True) -> Iterator[None]:
        """Do a button's work: show what goes wrong, and leave the panel usable.

        An error of ours is one calm message; details that it carries as notes are folded. A "no" of the user
        (``Cancelled``) is a line in the panel and no message. Neither is raised again. Anything else is a fault of the
        program: it is shown with its details folded, and raised for the Python console and the log.

        Args:
            failure: what could not be done, as a sentence.
            waitCursor: False for work that asks the user something.
        """
        self.say("")
        try:
            with _wait_cursor(waitCursor):
                yield
        except Cancelled as stop:
            self.say(str(stop))
        except RadiomicsError as error:
            self.say(str(error))
            # Not slicer.util.tryWithErrorDisplay: it shows the traceback of what is no fault of the program.
            details = {"detailedText": "\n".join(error.__notes__)} if getattr(error, "__notes__", ()) else {}
            slicer.util.warningDisplay(f"{failure}\n\n{error}", windowTitle=self.title, **details)
        except Exception as error:
            text = f"{failure}\n\n{_one_line(error)}"
            slicer.util.errorDisplay(text, windowTitle=self.title, detailedText=traceback.format_exc())
            raise


@contextmanager
def _wait_cursor(wanted: bool) -> Iterator[None]:
    """Show the wait cursor. Not ``slicer.util.WaitCursor``: it lets the user press the next button meanwhile."""
    if not wanted:
        yield
        return
    import qt

    slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        slicer.app.restoreOverrideCursor()


def _one_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
