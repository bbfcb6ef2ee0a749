"""Boxes that a job's settings fill: choices, defaults and tool tips come from the job, and are typed nowhere again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from RadiomicsCoreLib.jobs.registry import job_class
from RadiomicsCoreLib.settings.options import Setting, settings_of


def settings_by_name(verb: str) -> dict[str, Setting]:
    """Return the settings of a job by their names, ``training.epochs``; the study's choices are those that it knows."""
    return {setting.name: setting for setting in settings_of(job_class(verb))}


def default_of(verb: str, name: str) -> Any:
    """Return a setting's default as a plain value."""
    value = settings_by_name(verb)[name].default
    return value.value if isinstance(value, Enum) else value


def choice_items(verb: str, name: str, none: str = "") -> list[tuple[str, str]]:
    """Return text and data of the choices of a setting.

    Args:
        verb: of the job.
        name: of the setting.
        none: words of a first item that leaves the choice to the job; empty: there is no such item.
    """
    choices = job_class(verb).studies() if name == "study" else settings_by_name(verb)[name].choices
    return ([(none, "")] if none else []) + [(str(choice), str(choice)) for choice in choices]


def give_tool_tips(ui: Any, verb: str, widgets: Mapping[str, str]) -> None:
    """Give widgets the help of a job's settings as their tool tips.

    Args:
        ui: holds the widgets by name.
        verb: of the job.
        widgets: name of a widget to the name of a setting.
    """
    settings = settings_by_name(verb)
    for widget, name in widgets.items():
        help_text = settings[name].option.help
        getattr(ui, widget).toolTip = help_text[:1].upper() + help_text[1:] + "."
