"""Which tool calls only wait, or ask how something stands: repeating those is no loop.

By its name: a tool whose name has a word of `_WAITS` (or is one of `_KNOWN`) and none of `_ACTS`.
By its command: a shell's, where every part of the line waits, asks or only reads, and one at least
waits or asks. Whatever is not understood acts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_WAITS = frozenset(("wait", "sleep", "poll", "polling", "status", "statuses", "heartbeat"))
_KNOWN = frozenset(("bashoutput", "taskoutput", "agentoutput", "agentoutputtool", "shelloutput"))
_ACTS = frozenset(
    (
        *("set", "update", "change", "write", "create", "delete", "remove", "send", "post", "put"),
        *("mark", "toggle", "edit", "add", "submit", "publish", "commit", "transition", "move"),
    )
)
_SHELLS = frozenset(
    (
        *("bash", "shell", "sh", "zsh", "exec", "exec_command", "local_shell", "local_shell_call"),
        *("run_shell_command", "run_command", "run_terminal_cmd", "execute_command", "terminal"),
        *("shell_command", "container.exec", "powershell"),
    )
)
_STDIN = "write_stdin"
"""Codex's tool that reads on from a running program; it types something only where `chars` are."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PART = re.compile(r"&&|\|\||[;|&\n]")
_QUIET = re.compile(r"\d?>&\d|&?\d?>\s*/dev/null")
_KEYWORDS = frozenset("until while do done if then else fi for in !".split())
_PAUSES = frozenset(("sleep", "watch", "wait", "timeout"))
_LOOKS = frozenset(("ps", "pgrep", "jobs", "squeue", "uptime"))
_READS = frozenset(
    "cd echo printf true false date cat tail head grep rg wc ls jq test [ cut sort uniq".split()
)
_ASKS = (
    re.compile(r"gh run (view|watch|list)\b"),
    re.compile(r"gh pr (checks|status)\b"),
    re.compile(r"gh workflow view\b"),
    re.compile(r"glab ci (status|view|list)\b"),
    re.compile(r"(kubectl|oc) (-n \S+ )?(get|wait|top|rollout status)\b"),
    re.compile(r"docker( compose)? (ps|wait|stats|top)\b"),
    re.compile(r"systemctl (--user )?(status|is-active)\b"),
    re.compile(r"(az|aws|gcloud) .*\b(wait|status|describe-\w+status)\b"),
)
_ADDRESS = re.compile(r"/(status|health|healthz|ready|readyz|live|livez|ping)\b", re.IGNORECASE)
_SENDS = re.compile(r"\s(-X\s*(?!GET)\w|--request\s+(?!GET)\w|-d\b|--data|-F\b|--form|-T\b|--json)")


def polls(name: str, arguments: Any) -> bool:
    """True where a call of the tool with these arguments only waits, or asks how something stands.

    `arguments` as the model gave them, decoded; only a shell's are looked at.
    """
    by_name = polls_by_name(name)
    if by_name is not None:
        return by_name
    if name == _STDIN:
        return isinstance(arguments, dict) and not arguments.get("chars")
    return _command_polls(_command(arguments))


@lru_cache(maxsize=4096)
def polls_by_name(name: str) -> bool | None:
    """Whether a tool of this name polls; None for one whose arguments tell."""
    plain = name.lower()
    if plain in _SHELLS or name == _STDIN:
        return None
    words = {word.lower() for word in _WORD.findall(name)}
    return plain in _KNOWN or (not words.isdisjoint(_WAITS) and words.isdisjoint(_ACTS))


def _command(arguments: Any) -> str:
    """The command line in a shell's arguments, without the shell that runs it."""
    found = arguments
    if isinstance(arguments, dict):
        found = arguments.get("command", arguments.get("cmd"))
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        if len(found) == 3 and found[1] in ("-c", "-lc"):
            return str(found[2])
        return " ".join(found)
    return found if isinstance(found, str) else ""


def _command_polls(command: str) -> bool:
    line = _QUIET.sub("", command)
    if len(line) > 2000 or ">" in line or "$(" in line or "`" in line:
        return False
    asked = False
    for part in _PART.split(line):
        words = part.split()
        while words and words[0] in _KEYWORDS:
            words = [] if words[0] == "for" else words[1:]
        if not words:
            continue
        if _waits_or_asks(words):
            asked = True
        elif words[0] not in _READS:
            return False
    return asked


def _waits_or_asks(words: list[str]) -> bool:
    first = words[0]
    if first == "timeout" and len(words) > 2:
        return _waits_or_asks(words[2:])
    if first in _PAUSES or first in _LOOKS or "--watch" in words[1:]:
        return True
    plain = " ".join(words)
    if first == "curl":
        return bool(_ADDRESS.search(plain)) and not _SENDS.search(plain)
    return any(pattern.match(plain) for pattern in _ASKS)
