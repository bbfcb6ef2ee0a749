"""``peritumoral mcp FOLDER``: the verbs as tools of the Model Context Protocol, over standard input and output.

An assistant that speaks the protocol sees each verb with the schema of its job. It can run jobs and look at what they
wrote, inside one folder; it cannot run code, and reads and writes nothing outside.

Reference: modelcontextprotocol.io, specification; the official Python SDK does the talking.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.errors import InputError, RadiomicsError

from .job_tools import job_description, job_schema, job_verbs, run_job
from .look_tools import LOOKS, as_base64, look, look_schema
from .one_folder import OneFolder

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

INSTRUCTIONS = (
    "Peritumoral radiomics: rings around a tumour, radiomic and deep features, classifiers, Cox models and nomograms. "
    "All paths begin in one folder; jobs write into new folders there. Each verb is a tool; study.json and notes.txt "
    "of an output folder say what was done and what a reader must know. Research use only, not a medical device."
)


def serve(folder: Path) -> None:
    """Serve until the client goes away.

    Args:
        folder: the only one that is read and written.

    Raises:
        InputError: no such folder, or the SDK is not installed.
    """
    place = OneFolder(folder)
    server = make_server(place)
    import anyio
    from mcp.server.stdio import stdio_server

    async def talk() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(talk)


def make_server(place: OneFolder) -> Server[Any]:
    """Return the server, not yet talking. Raises InputError where the SDK is not installed."""
    try:
        import anyio
        import mcp.types as types
        from mcp.server.lowlevel import Server
    except ImportError:
        raise InputError("this needs the extra 'mcp': pip install 'peritumoral-radiomics[mcp]'") from None

    tools = [types.Tool(**described) for described in described_tools()]
    one_at_a_time = anyio.Lock()  # a job takes the cores and the memory that it is given

    async def list_tools(context: Any, _: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            if asked.name in LOOKS:
                return _seen(types, look(place, asked.name, dict(asked.arguments or {})))
            if asked.name not in job_verbs():
                raise InputError(f"there is no tool {asked.name!r}")

            async def tell(fraction: float, message: str) -> None:
                await context.session.report_progress(fraction, 1.0, message)

            async with one_at_a_time:
                return _seen(types, await run_job(place, asked.name, asked.arguments or {}, tell))
        except (RadiomicsError, OSError) as error:
            text = str(error).replace(str(place.root), ".")
            return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)

    return Server(
        "peritumoral",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def described_tools() -> list[dict[str, Any]]:
    """Return name, description and arguments of every tool.

    Example:
        >>> [tool["name"] for tool in described_tools()][:2]
        ['rings', 'extract']
    """
    jobs = [
        {"name": verb, "description": job_description(verb), "input_schema": job_schema(verb)} for verb in job_verbs()
    ]
    looks = [{"name": name, "description": LOOKS[name].__doc__, "input_schema": look_schema(name)} for name in LOOKS]
    return jobs + looks


def _seen(types: Any, result: Any) -> Any:
    if isinstance(result, bytes):
        picture = types.ImageContent(type="image", data=as_base64(result), mime_type="image/png")
        return types.CallToolResult(content=[picture])
    text = json.dumps(result, ensure_ascii=False)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=result)
