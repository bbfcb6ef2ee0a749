"""``peritumoral mcp``: the verbs as tools for an assistant, inside one folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  peritumoral mcp ~/study

The assistant's program starts this command itself; its settings name it so:
  {"mcpServers": {"peritumoral": {"command": "peritumoral", "args": ["mcp", "/path/of/the/study"]}}}
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "mcp",
        help="offer the verbs to an assistant (Model Context Protocol)",
        description="Offer every verb as a tool over standard input and output. Only the folder is used.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the only folder that the assistant may read and write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client goes away."""
    from ..agents.server import serve

    serve(arguments.folder)
    return 0
