"""Coding agents: Claude Code transcripts and Codex rollouts of the code-review agent."""

from __future__ import annotations

from datetime import datetime, timedelta

from making.books import FIRST_DAY, GPT, HAIKU, OPUS, Json, Maker, Tokens, dump, zulu

CWD = "/home/dev/lumen-web"
FOLDER = "claude-projects/-home-dev-lumen-web"
FILES = ("cart/total.ts", "cart/line.ts", "api/orders.ts", "ui/Dimmer.tsx", "lib/money.ts")
TEST = "npx vitest run src/cart/total.spec.ts"
FAILED = "FAIL src/cart/total.spec.ts > sums lines: expected 118 to be 119"


class Transcript:
    """One Claude Code session, written as the tool writes it: a line per content block."""

    def __init__(self, m: Maker, start: datetime, hour: bool, context: int = 0) -> None:
        self.m, self.at, self.hour = m, start, hour
        self.session, self.parent = m.uuid(), None
        self.lines: list[str] = []
        self.shared = 16_500 if hour else 0
        self.context = context or m.rng.randint(30_000, 42_000)
        self.cached = self.shared
        self.costs: list[int] = []

    def line(self, kind: str, **fields: object) -> Json:
        """Append one line of the session."""
        record: Json = {"parentUuid": self.parent, "isSidechain": False, "userType": "external"}
        record |= {"entrypoint": "cli", "cwd": CWD, "sessionId": self.session}
        record |= {"version": "2.1.80", "gitBranch": "review/cart-totals", "type": kind}
        record |= fields | {"uuid": self.m.uuid(), "timestamp": zulu(self.at)}
        self.parent = record["uuid"]
        self.lines.append(dump(record))
        return record

    def wait(self, low: float, high: float) -> None:
        """Let some seconds pass."""
        self.at += timedelta(seconds=self.m.between(low, high))

    def ask(self, text: str) -> None:
        """The developer writes something."""
        self.wait(20, 150)
        self.line("user", message={"role": "user", "content": text})
        self.context += len(text) // 4

    def blocks(
        self, content: list[Json], model: str, tokens: Tokens, progress: Json | None = None
    ) -> None:
        """The lines of one streamed answer: only the last one has the final output count."""
        base: Json = {"id": f"msg_01{self.m.chars(22)}", "type": "message", "role": "assistant"}
        request_id = f"req_011C{self.m.chars(20)}"
        last = len(content) - 1
        for number, block in enumerate(content):
            self.wait(0.4, 2.5)
            stop = "tool_use" if content[last]["type"] == "tool_use" else "end_turn"
            usage: Json = {"input_tokens": tokens.uncached_input}
            usage["cache_creation_input_tokens"] = tokens.written
            usage["cache_read_input_tokens"] = tokens.cache_read
            usage["cache_creation"] = tokens.written_by_lifetime
            usage["output_tokens"] = tokens.output if number == last else self.m.rng.randint(1, 8)
            usage |= {"service_tier": "standard", "inference_geo": "", "speed": "standard"}
            message = {"model": model, **base, "content": [block], "usage": usage}
            message |= {"stop_reason": stop if number == last else None, "stop_sequence": None}
            if progress is None:
                self.line("assistant", message=message, requestId=request_id)
            else:
                inner = {"type": "assistant", "timestamp": zulu(self.at), "message": message}
                inner |= {"requestId": request_id, "uuid": self.m.uuid()}
                self.line("progress", data={"message": inner, **progress}, toolUseID="agent_msg")
        self.m.books.add("claude-code", "lumen-web", model, tokens, at=self.at)
        self.costs.append(tokens.cost(model))

    def call(
        self, tool: str = "", argument: Json | None = None, result: str = "", grown: int = 0
    ) -> None:
        """One model call: an answer, or a tool call and the result that came back."""
        grown = grown or self.m.rng.randint(300, 3200)
        tokens_in = self.context - 3
        written = tokens_in - self.cached
        split = {"cache_write_1h": written} if self.hour else {"cache_write_5m": written}
        output = self.m.rng.randint(90, 420) if tool else self.m.rng.randint(250, 900)
        tokens = Tokens(3, self.cached, output=output, **split)
        content: list[Json] = []
        if self.m.rng.random() < 0.35:
            content.append({"type": "thinking", "thinking": self.m.say(1), "signature": "none"})
        if not tool or self.m.rng.random() < 0.5:
            content.append({"type": "text", "text": self.m.say(1)})
        tool_id = f"toolu_01{self.m.chars(22)}"
        if tool:
            content.append({"type": "tool_use", "id": tool_id, "name": tool, "input": argument})
        self.blocks(content, OPUS, tokens)
        self.cached, self.context = tokens_in, self.context + output + (grown if tool else 0)
        if tool:
            self.wait(0.2, 6)
            self.result(tool_id, result)

    def result(self, tool_id: str, text: str, more: Json | None = None) -> None:
        """The line that carries a tool's result."""
        part = {"tool_use_id": tool_id, "type": "tool_result", "content": text}
        message = {"role": "user", "content": [part]}
        self.line("user", message=message, toolUseResult=more or {"stdout": text, "stderr": ""})

    def work(self, calls: int) -> None:
        """Ordinary review work, in turns of a few calls."""
        while calls > 0:
            turn = min(calls, self.m.rng.randint(4, 11))
            self.ask(f"Review the change to {self.m.rng.choice(FILES)}. {self.m.say(1)}")
            began = self.at
            for _ in range(turn - 1):
                path, seen = f"{CWD}/src/{self.m.rng.choice(FILES)}", self.m.say(2)
                if self.m.rng.random() < 0.6:
                    start = {"offset": self.m.rng.randrange(900), "limit": 120}
                    self.call("Read", {"file_path": path, **start}, seen)
                else:
                    self.call(
                        "Grep", {"pattern": f"order{self.m.rng.randrange(999)}", "path": path}, seen
                    )
            self.call()
            spent = round((self.at - began) / timedelta(milliseconds=1))
            self.line("system", subtype="turn_duration", durationMs=spent, isMeta=False)
            calls -= turn

    def idle(self, minutes: float) -> None:
        """A pause that outlives the cache: everything is written again."""
        self.at += timedelta(minutes=minutes)
        self.cached = 0

    def subagent(self) -> None:
        """A subagent whose calls stand in progress lines and nowhere else."""
        read, written = 0, 11_000
        data: Json = {
            "type": "agent_progress",
            "prompt": "Find every use of total()",
            "agentId": "a7c31f0",
        }
        last = Tokens()
        for number in range(5):
            last = Tokens(3, read, written, 0, self.m.rng.randint(60, 300))
            use: Json = {"type": "tool_use", "id": f"toolu_01{self.m.chars(22)}", "name": "Grep"}
            use["input"] = {"pattern": f"total{number}"}
            content = [{"type": "text", "text": self.m.say(1)}, use] if number < 4 else [use]
            self.blocks(content, HAIKU, last, data)
            read, written = read + written, self.m.rng.randint(400, 2200)
        more: Json = {"status": "completed", "agentId": "a7c31f0", "totalTokens": sum(last[:5])}
        repeated = {"input_tokens": 3, "cache_read_input_tokens": last.cache_read}
        repeated |= {"cache_creation_input_tokens": last.written, "output_tokens": last.output}
        more["usage"] = repeated
        self.result(f"toolu_01{self.m.chars(22)}", "Found 14 uses.", more)

    def errors(self) -> None:
        """A provider error: the retry, then the synthetic answer that shows it."""
        error = {"status": 529, "error": {"type": "overloaded_error"}}
        self.line("system", subtype="api_error", error=error, retryInMs=1100, retryAttempt=1)
        self.wait(2, 4)
        usage: Json = dict.fromkeys(("input_tokens", "output_tokens"), 0)
        usage |= {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        message: Json = {"id": self.m.uuid(), "model": "<synthetic>", "role": "assistant"}
        message |= {"type": "message", "stop_reason": "stop_sequence", "usage": usage}
        message["content"] = [{"type": "text", "text": "API Error: 529 overloaded"}]
        self.line("assistant", message=message, isApiErrorMessage=True, error="overloaded")
        self.m.books.add("claude-code", "lumen-web", "<synthetic>", Tokens(), "failed_calls")

    def loop(self, times: int) -> None:
        """The same failing command over and over, nothing changed in between."""
        before = len(self.costs)
        for _ in range(times):
            self.call("Bash", {"command": TEST}, FAILED, grown=340)
        wasted = sum(self.costs[before + 3 :]) / 10**12
        why = (
            f"session {self.session}: one command, one result, {times} times; amount after the 3rd"
        )
        self.m.books.found("stop", "lumen-web", why, wasted)

    def lookalikes(self) -> None:
        """Repeats that are work: waiting for checks that move on, tests again after an edit."""
        for done in range(1, 8):
            self.call("Bash", {"command": "gh pr checks 481"}, f"{done} of 7 checks passed", 120)
            self.wait(20, 50)
        for number in range(7):
            edit = {"file_path": f"{CWD}/src/cart/total.ts", "old_string": f"step {number}"}
            self.call("Edit", edit | {"new_string": f"step {number + 1}"}, "Edited.", 200)
            self.call("Bash", {"command": TEST}, FAILED, 340)


def claude_code(m: Maker) -> None:
    """Ten sessions, then a copy of one of them under another name that went on."""
    for number, day in enumerate((0, 2, 4, 8, 10, 14, 16, 17, 22, 24)):
        start = FIRST_DAY + timedelta(days=day, hours=m.between(8, 14))
        t = Transcript(m, start, hour=number % 3 > 0, context=92_000 if number == 4 else 0)
        if number in (2, 6):
            summary = {"type": "summary", "summary": "Cart totals review", "leafUuid": m.uuid()}
            t.lines.append(dump(summary))
        t.work(m.rng.randint(16, 24))
        if number == 1:
            t.subagent()
        elif number == 3:
            t.errors()
        elif number == 4:
            t.ask("Make the cart total test pass.")
            t.loop(40)
        elif number == 5:
            t.ask("Wait for the checks, then fix the cart total step by step.")
            t.lookalikes()
        t.idle(75)
        t.work(m.rng.randint(6, 12))
        if number == 6:
            victims = [i for i, line in enumerate(t.lines) if '"tool_result"' in line]
            place = victims[len(victims) // 2]
            t.lines[place] = t.lines[place][: len(t.lines[place]) // 2]
            where = {"file": f"{FOLDER}/{t.session}.jsonl", "line": place + 1}
            m.books.broken.append(where | {"why": "a tool result broken off in the middle"})
        m.write(f"{FOLDER}/{t.session}.jsonl", t.lines)
        if number == 8:
            old, t.session = t.session, m.uuid()
            m.books.repeats["claude-code calls copied to another transcript"] = len(t.costs)
            t.lines = [line.replace(old, t.session) for line in t.lines]
            t.idle(150)
            t.work(12)
            m.write(f"{FOLDER}/{t.session}.jsonl", t.lines)


def codex(m: Maker) -> None:
    """Four rollouts with running totals, repeated counter events and one without any counts."""
    for day, hour in ((15, 9.3), (18, 13.4), (21, 10.1), (25, 14.6)):
        at = FIRST_DAY + timedelta(days=day, hours=hour)
        stamp = f"{int(at.timestamp() * 1000):012x}"
        session = f"{stamp[:8]}-{stamp[8:]}-7{m.uuid()[15:]}"
        lines: list[Json] = []

        def line(kind: str, into: list[Json], when: datetime, **payload: object) -> None:
            into.append({"timestamp": zulu(when), "type": kind, "payload": payload})

        meta: Json = {"id": session, "timestamp": zulu(at), "cwd": CWD, "originator": "codex-tui"}
        meta |= {"cli_version": "0.125.0", "source": "cli", "model_provider": "openai"}
        meta |= {"git": {"commit_hash": f"{m.rng.getrandbits(160):040x}", "branch": "main"}}
        line("session_meta", lines, at, **meta)
        total, context, cached = [0, 0, 0, 0], m.rng.randint(13_000, 17_000), 3456
        for turn in range(m.rng.randint(3, 5)):
            turn_id = m.uuid()
            line("event_msg", lines, at, type="task_started", turn_id=turn_id)
            line("turn_context", lines, at, turn_id=turn_id, cwd=CWD, model=GPT, effort="medium")
            line("event_msg", lines, at, type="user_message", message=m.say(1))
            if turn == 0:
                line("event_msg", lines, at, type="token_count", info=None, rate_limits=None)
            for _ in range(m.rng.randint(7, 13)):
                at += timedelta(seconds=m.between(3, 14))
                output, call_id = m.rng.randint(180, 900), f"call_{m.chars(24)}"
                reasoning = int(output * m.between(0.1, 0.6))
                command = dump(
                    {"cmd": f"sed -n '{m.rng.randint(1, 400)},+80p' src/{FILES[turn % 5]}"}
                )
                call: Json = {"type": "function_call", "name": "exec_command"}
                call |= {"arguments": command, "call_id": call_id}
                line("response_item", lines, at, **call)
                last = [context, cached, output, reasoning]
                total = [a + b for a, b in zip(total, last, strict=True)]
                info: Json = {
                    "total_token_usage": counters(total),
                    "last_token_usage": counters(last),
                }
                info |= {"model_context_window": 258400}
                for again in range(2 if m.rng.random() < 0.15 else 1):
                    later = at + timedelta(seconds=again * m.between(4, 90))
                    line("event_msg", lines, later, type="token_count", info=info, rate_limits=None)
                output_item: Json = {"type": "function_call_output", "call_id": call_id}
                line("response_item", lines, at, **output_item, output=m.say(2))
                tokens = Tokens(context - cached, cached, 0, 0, output, reasoning)
                m.books.add("codex", "lumen-web", GPT, tokens)
                cached = context // 128 * 128 if m.rng.random() > 0.06 else 3456
                context += output + m.rng.randint(300, 3500)
            line("event_msg", lines, at, type="task_complete", turn_id=turn_id)
            at += timedelta(minutes=m.between(1, 6))
        began = datetime.fromisoformat(meta["timestamp"])
        name = f"rollout-{began:%Y-%m-%dT%H-%M-%S}-{session}.jsonl"
        m.write(f"codex-sessions/{began:%Y/%m/%d}/{name}", lines)


def counters(values: list[int]) -> Json:
    """Counts as Codex states them: cached is inside input, reasoning inside output."""
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    return dict(zip(names, values, strict=True)) | {"total_tokens": values[0] + values[2]}
