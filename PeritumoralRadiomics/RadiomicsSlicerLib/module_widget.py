"""What the panels of all modules share: the life of the parameter node, its binding to the widgets, error lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import slicer
import slicer.util
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from RadiomicsCoreLib.errors import RadiomicsError


class ModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Base of a module's panel.

    The .ui file ``UI/<Module>.ui`` is loaded; widgets with the dynamic property ``SlicerParameterName`` are bound to
    the parameter of that name by ``connectGui``, and those that Slicer has no binding for by :meth:`connectors`.
    The .ui file may hold a label ``statusLabel`` for the last error or note.

    A derived class says what its widgets do in :meth:`connectButtons`, :meth:`connectors`, :meth:`chooseDefaults`
    and :meth:`updateButtons`, and ends what it started in :meth:`stopWork`.
    """

    def __init__(self, parent: Any, makeLogic: Callable[[], Any]) -> None:
        """Prepare; Slicer calls :meth:`setup` afterwards.

        Args:
            parent: given by Slicer; None: a window of its own.
            makeLogic: makes the module's Logic.
        """
        self.makeLogic = makeLogic
        self.logic: Any = None
        self.ui: Any = None
        self._parameterNode: Any = None
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

    def parametersChanged(self, parameters: Any) -> None:
        """React to a change of the parameters; buttons are updated afterwards."""

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now."""

    def stopWork(self, reason: str) -> None:
        """End what runs, because the module or the scene is about to go."""

    # --- called by Slicer -------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Load the panel; called when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = self.makeLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self.connectButtons()
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Let go of everything; called when the application closes or the module is reloaded."""
        self.stopWork("the module was closed")
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Bind the panel; called each time that the module is opened."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Unbind the panel; called each time that another module is opened. Background work goes on."""
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

        An error of ours is one clear line; it is shown, and not raised again. Anything else is a fault of the
        program: it is shown with its details and raised, for the Python console and the log.

        Args:
            failure: what could not be done, as a sentence.
            waitCursor: False for work that asks the user something.
        """
        self.say("")
        try:
            with slicer.util.tryWithErrorDisplay(failure, waitCursor=waitCursor):
                yield
        except RadiomicsError as error:
            self.say(str(error))
