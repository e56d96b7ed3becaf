"""Made-up Claude Code transcripts with the traps of real ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from .text import Pool, instant, uuid

FILES = 552
BYTES_A_SESSION = 1_200_000
START = 1_767_600_000_000_000
MONTHS_5 = 150 * 86_400_000_000

MODELS = (
    "claude-opus-4-5-20251101",
    "claude-opus-4-5-20251101",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001",
)
VERSIONS = ("2.0.76", "2.1.5", "2.1.17", "2.1.29", "2.1.80")
NEVER_FINAL = ("2.1.17", "2.1.29")
"""Versions that never wrote a stop reason."""
PROJECTS = tuple(
    f"/home/dev{number % 7}/work/{name}"
    for number, name in enumerate(
        "billing-api web-shop search-index mobile-app data-pipeline infra auth-service docs "
        "support-bot pricing ledger-core label-service exporter reports admin-ui".split()
    )
)


class Session:
    """One session: who, where, and the lines written so far."""

    def __init__(self, pick: random.Random, pool: Pool) -> None:
        self.pick, self.pool = pick, pool
        self.id = uuid(pick)
        self.cwd = pick.choice(PROJECTS)
        self.version = pick.choice(VERSIONS)
        self.model = pick.choice(MODELS)
        self.branch = pick.choice(("main", "main", "feature/cache", "fix/retry"))
        self.now = START + int(pick.random() * MONTHS_5)
        self.context = pick.randint(9_000, 24_000)
        self.parent = uuid(pick)
        self.lines: list[str] = []
        self.size = 0
        self.agents: list[tuple[str, list[str]]] = []

    def add(self, line: str) -> None:
        """Write a line."""
        self.lines.append(line)
        self.size += len(line)

    def common(self, kind: str, *, sidechain: bool = False) -> str:
        """The fields every line has, and those that chain it to the one before."""
        parent, self.parent = self.parent, uuid(self.pick)
        self.now += int(self.pick.expovariate(1 / 4_000_000)) + 50_000
        return (
            f'{{"parentUuid":"{parent}","isSidechain":{str(sidechain).lower()},'
            f'"userType":"external","cwd":"{self.cwd}","sessionId":"{self.id}",'
            f'"version":"{self.version}","gitBranch":"{self.branch}","type":"{kind}",'
            f'"uuid":"{self.parent}","timestamp":"{instant(self.now)}",'
        )

    def grow(self, size: int) -> None:
        """Go on until the transcript is that large."""
        if not self.lines:
            self.add(
                f'{{"type":"summary","summary":"{self.pool.cut(64)}","leafUuid":"{self.parent}"}}'
            )
        while self.size < size:
            self.turn()

    def turn(self) -> None:
        """A prompt, the calls it takes, and what the tools said in between."""
        pick = self.pick
        prompt = self.pool.cut(pick.randint(256, 1500))
        self.add(self.common("user") + f'"message":{{"role":"user","content":"{prompt}"}}}}')
        self.add(
            f'{{"type":"file-history-snapshot","messageId":"{self.parent}","snapshot":'
            f'{{"messageId":"{self.parent}","trackedFileBackups":{{}},'
            f'"timestamp":"{instant(self.now)}"}},"isSnapshotUpdate":false}}'
        )
        for _ in range(pick.randint(1, 12)):
            usage = self.call()
            tool = f"toolu_01{pick.getrandbits(88):022x}"
            for _ in range(pick.choice((0, 0, 1, 3))):
                self.add(
                    self.common("progress")
                    + '"data":{"type":"bash_progress","output":"","elapsedTimeSeconds":2},'
                    f'"toolUseID":"bash-progress","parentToolUseID":"{tool}"}}'
                )
            if pick.random() < 0.03:
                usage = self.agent(tool)
            self.result(tool, usage)
        if pick.random() < 0.05:
            self.failure()
        self.add(
            self.common("system")
            + '"subtype":"turn_duration","durationMs":51234,"messageCount":9,"isMeta":false}'
        )

    def result(self, tool: str, usage: str) -> None:
        """What a tool answered; the usage repeated in it must not be counted."""
        body = self.pool.cut(2_000 + int(1_700 * self.pick.paretovariate(1.3)) % 18_000)
        begun = body[: len(body) // 3].rpartition(" ")[0]
        self.add(
            self.common("user") + f'"message":{{"role":"user","content":[{{"tool_use_id":"{tool}",'
            f'"type":"tool_result","content":"{body}"}}]}},"toolUseResult":{{"status":"completed",'
            f'"totalTokens":4711,"usage":{usage},"stdout":"{begun}"}}}}'
        )

    def call(self) -> str:
        """One call of the model: a line for each block of its answer."""
        pick = self.pick
        count = 1 if pick.random() < 0.15 else min(14, 2 + int(pick.expovariate(0.7)))
        wrote = pick.randint(200, 6_000)
        read, self.context = self.context, self.context + wrote
        if self.context > 150_000:
            self.context = pick.randint(9_000, 24_000)
        long_lived = wrote if pick.random() < 0.5 else 0
        final = 20 + int(pick.lognormvariate(5.2, 1.0))
        grows = pick.random() < 0.5
        message = f"msg_01{pick.getrandbits(88):022x}"
        request = f"req_011{pick.getrandbits(84):021x}"
        first = pick.randint(1, 8)
        entered = pick.randint(1, 12)
        usage = ""
        for number in range(count):
            last = number == count - 1
            output = final if last or not grows else first + number
            usage = _usage(entered, wrote - long_lived, long_lived, read, output)
            stop = '"tool_use"' if last and self.version not in NEVER_FINAL else "null"
            body = self.pool.cut(int(600 * pick.paretovariate(1.1)) % 18_000)
            self.add(
                self.common("assistant")
                + f'"requestId":"{request}",'
                + _message(self.model, message, _block(number, body), stop, usage)
                + "}"
            )
        return usage

    def agent(self, tool: str) -> str:
        """A subagent whose calls appear in progress lines, and at times in a file of their own."""
        pick = self.pick
        agent = f"{pick.getrandbits(28):07x}"
        usage = _usage(1, 0, 0, 0, 1)
        lines: list[str] = []
        for _ in range(pick.randint(2, 8)):
            message = f"msg_01{pick.getrandbits(88):022x}"
            request = f"req_011{pick.getrandbits(84):021x}"
            wrote, read = pick.randint(500, 9_000), pick.randint(0, 40_000)
            final = pick.randint(30, 900)
            for output in (2, final) if pick.random() < 0.6 else (final,):
                usage = _usage(4, wrote, 0, read, output)
                stop = '"tool_use"' if output == final else "null"
                body = _message(MODELS[3], message, _block(1, self.pool.cut(900)), stop, usage)
                line = self.common("progress")
                self.add(
                    line + '"data":{"message":{"type":"assistant",'
                    f'"timestamp":"{instant(self.now)}",{body},"requestId":"{request}","uuid":"{uuid(pick)}"}},"normalizedMessages":[],'
                    f'"type":"agent_progress","prompt":"","agentId":"{agent}"}},'
                    f'"toolUseID":"agent_{message}","parentToolUseID":"{tool}"}}'
                )
                alone = self.common("assistant", sidechain=True)
                lines.append(f'{alone}"agentId":"{agent}","requestId":"{request}",{body}}}')
        if pick.random() < 0.1:
            self.agents.append((agent, lines))
        return usage

    def failure(self) -> None:
        """An API error shown as a message of no model."""
        usage = _usage(0, 0, 0, 0, 0)
        block = '{"type":"text","text":"API Error: 500"}'
        self.add(
            self.common("assistant")
            + _message("<synthetic>", uuid(self.pick), block, '"stop_sequence"', usage)
            + ',"isApiErrorMessage":true,"error":"server_error"}'
        )


def _usage(entered: int, wrote_5m: int, wrote_1h: int, read: int, output: int) -> str:
    return (
        f'{{"input_tokens":{entered},"cache_creation_input_tokens":{wrote_5m + wrote_1h},'
        f'"cache_read_input_tokens":{read},"output_tokens":{output},'
        '"server_tool_use":{"web_search_requests":0,"web_fetch_requests":0},'
        f'"service_tier":"standard","cache_creation":{{"ephemeral_1h_input_tokens":{wrote_1h},'
        f'"ephemeral_5m_input_tokens":{wrote_5m}}}}}'
    )


def _message(model: str, message: str, block: str, stop: str, usage: str) -> str:
    return (
        f'"message":{{"model":"{model}","id":"{message}","type":"message","role":"assistant",'
        f'"content":[{block}],"stop_reason":{stop},"stop_sequence":null,"usage":{usage}}}'
    )


def _block(number: int, body: str) -> str:
    if number == 0:
        return f'{{"type":"thinking","thinking":"{body}","signature":"EqQBCkYIBRgCKkA"}}'
    if number == 1:
        return f'{{"type":"text","text":"{body}"}}'
    return (
        f'{{"type":"tool_use","id":"toolu_01{number:022x}","name":"Write",'
        f'"input":{{"file_path":"/tmp/a.py","content":"{body}"}}}}'
    )


def write(folder: Path, seed: int) -> None:
    """Write the transcripts below `folder`/projects, where an agent would."""
    pick, pool = random.Random(seed), Pool(seed)
    done = 0
    while done < FILES:
        session = Session(pick, pool)
        session.grow(int(BYTES_A_SESSION * pick.lognormvariate(-0.2, 0.9)) % 8_000_000 + 20_000)
        for path, lines in _files(folder / "projects", session):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            done += 1


def _files(projects: Path, session: Session) -> Iterator[tuple[Path, list[str]]]:
    """The session's file, its subagents' and those of later sessions that repeat its history."""
    pick = session.pick
    folder = projects / session.cwd.replace("/", "-")
    yield folder / f"{session.id}.jsonl", session.lines
    for agent, lines in session.agents:
        yield folder / session.id / "subagents" / f"agent-{agent}.jsonl", lines
    session.agents = []
    whole = session.size
    while pick.random() < 0.47:
        kept = session.lines[: int(len(session.lines) * pick.uniform(0.3, 1.0))]
        old, session.id = session.id, uuid(pick)
        session.lines = [line.replace(old, session.id) for line in kept]
        session.size = sum(map(len, kept))
        session.now += int(pick.random() * 86_400_000_000)
        session.grow(session.size + int(whole * pick.uniform(0.02, 0.4)))
        yield folder / f"{session.id}.jsonl", session.lines
