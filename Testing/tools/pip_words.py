"""What pip says while ``quickstart.py`` installs: to a log, now and then to the screen, and why it failed.

Standard library only, and understood by Python 3.8, as ``quickstart.py`` itself.
"""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

SECONDS_BETWEEN_LINES = 10.0
# What pip's log says, and what to tell the user; the first match counts.
PIP_FAILURES = (
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full: free about 2 GB and run again",
    ),
    (
        r"Python\.h: No such file",
        "Python's headers are missing: on Debian or Ubuntu run 'sudo apt install python3-dev'",
    ),
    (
        r"Microsoft Visual C\+\+ .*is required|command '\S*(gcc|cc|clang)\S*' failed|unable to execute '\S+'",
        "pyradiomics could not be compiled: install a C compiler "
        "(Debian or Ubuntu: 'sudo apt install build-essential python3-dev'; macOS: 'xcode-select --install'; "
        "Windows: Visual Studio Build Tools with C++)",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "the network's certificate is not trusted: set PIP_CERT to your organisation's certificate file",
    ),
    (
        r"name resolution|NameResolutionError|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|"
        r"Connection (refused|reset|aborted)|Network is unreachable|ProxyError|Could not fetch URL",
        "the package index cannot be reached: check the network, or set HTTPS_PROXY or PIP_INDEX_URL",
    ),
    (
        r"No matching distribution found for \S+",
        "a package has no version for this Python and system: try Python 3.11 or 3.12",
    ),
    (r"PermissionError|Permission denied", "a file cannot be written: check who owns the folder .venv"),
)


def follow_command(command: list, log, say) -> int:
    """Run pip, its output going to the log; return its exit code."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        follow_pip(process.stdout, log, say)
    return process.returncode


def follow_pip(lines, log, say, clock=time.monotonic) -> None:
    """Copy pip's words to the log and show now and then what it is doing."""
    last, packages = clock(), 0
    for line in lines:
        log.write(line)
        log.flush()
        packages += line.startswith("Collecting ")
        if re.match(r"\s*Building wheel for pyradiomics", line) and "started" in line:
            say("  compiling pyradiomics")
        elif line.startswith("Installing collected packages"):
            say(f"  unpacking {line.count(',') + 1} packages")
        elif line.startswith("Collecting ") and clock() - last >= SECONDS_BETWEEN_LINES:
            say(f"  {packages} packages looked up so far")
        else:
            continue
        last = clock()


def explain_pip_failure(text: str, log: Path) -> str:
    """Say in one line why pip failed and what to do."""
    for pattern, remedy in PIP_FAILURES:
        found = re.search(pattern, text)
        if found:
            return f"installation failed ({found.group().strip()}): {remedy}; details: {log}"
    errors = [line.strip() for line in text.splitlines() if line.lower().lstrip().startswith("error")]
    return f"installation failed ({errors[-1] if errors else 'no reason given'}): details: {log}"
