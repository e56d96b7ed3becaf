"""Clean workloads, seeded: work as it should be, with all that only looks like waste."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pyarrow as pa

from tests.recommend.books import MONDAY, USD_PER_MILLION
from tokman.usage import QUANTITIES, arrow_schema

DAY = 86_400.0
START = int(MONDAY.timestamp())
MODELS = ("claude-sonnet-4-5", "gpt-5.5", "claude-haiku-4-5", "mistral-large-4")
Row = dict[str, Any]


class Workload:
    """The calls of one workflow, made from a seed of its own."""

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.name = f"w{number}"
        self.rows: list[Row] = []
        self.model = self.random.choice(MODELS)
        self.hashes = number << 32

    def fresh(self) -> int:
        """A hash that nothing else has."""
        self.hashes += 1
        return self.hashes

    def call(self, at: float, prompt: float, output: float, **what: Any) -> Row:
        """One call so many seconds after the start, with a request and an answer of its own."""
        row: Row = {
            "call_id": f"{self.name}-{len(self.rows)}",
            "started_at": int((START + at) * 1_000_000),
            "time_basis": "log",
            "operation_name": "chat",
            "provider_name": USD_PER_MILLION[self.model][0],
            "request_model": self.model,
            "response_model": self.model,
            "status": "ok",
            "response_cache_hit": False,
            "uncached_input_tokens": int(prompt),
            "output_tokens": int(output),
            "output_basis": "final",
            "count_basis": "reported",
            "workflow": self.name,
            "finish_reason": "stop",
            "request_hash": self.fresh(),
            "response_hash": self.fresh(),
            "source": "openai",
            "file": f"{self.name}.jsonl",
            "line": len(self.rows) + 1,
        } | what
        self.rows.append(row)
        return row

    def office(self, days: int = 20) -> float:
        """A moment in office hours."""
        return self.random.randrange(days) * DAY + self.random.uniform(8, 18) * 3600

    def steps(
        self,
        steps: Iterable[tuple[int, int, bool]],
        at: float,
        talk: str,
        prompt: float,
        *,
        logged: bool = True,
        **what: Any,
    ) -> float:
        """An agent's turn, of (tool call, result, whether it polls), with an answer at its end."""
        given: Row = {"turn": "user"}
        for action, result, polls in steps:
            output = self.random.uniform(60, 400)
            tools: Row = {"tool_call_hashes": [action], "tool_names": ["tool"]} if logged else {}
            self.call(
                at,
                prompt,
                output,
                **{"conversation_id": talk, "finish_reason": "tool_calls"}
                | tools
                | ({"polls": True} if polls else {})
                | given
                | what,
            )
            given = {"turn": "tool", "tool_errors": 0}
            given |= {"tool_result_hashes": [result]} if logged else {}
            at += self.random.uniform(3, 40)
            prompt += output + self.random.uniform(50, 2500)
        self.call(at, prompt, 300, **{"conversation_id": talk} | given | what)
        return prompt


def chat(w: Workload) -> None:
    """People talk, stop an answer, ask for another one, say the same twice."""
    for number in range(w.random.randint(8, 25)):
        at, prompt = w.office(), w.random.uniform(800, 6000)
        for _ in range(1 + int(w.random.expovariate(0.3))):
            what: Row = {"conversation_id": f"{w.name}-{number}", "user_id": f"u{number % 9}"}
            what |= {"stream": True, "turn": "user"}
            row = w.call(at, prompt, output := w.random.uniform(20, 900), **what)
            if w.random.random() < 0.05:
                row |= {"status": "error", "error_type": "client_disconnected"}
            if w.random.random() < 0.05:
                again = what | {"request_hash": row["request_hash"]}
                w.call(at + w.random.uniform(6, 60), prompt, output * 1.1, **again)
            prompt += output + w.random.uniform(10, 300)
            at += w.random.uniform(20, 600)


def classification(w: Workload) -> None:
    """A nightly or hourly job: short answers to short texts, of which many come again."""
    texts = [w.fresh() for _ in range(w.random.randint(30, 400))]
    labels = [w.fresh() for _ in range(w.random.randint(2, 6))]
    every = w.random.choice((3600.0, DAY))
    for run in range(w.random.randint(20, 28)):
        for place in range(w.random.randint(3, 6)):
            text = texts[min(int(w.random.paretovariate(0.6)) - 1, len(texts) - 1)]
            answer: Row = {"request_hash": text, "response_hash": labels[text % len(labels)]}
            at = 7200 + run * every + place * w.random.uniform(0.2, 3)
            limit: Row = {"max_output_tokens": 1, "finish_reason": "length"} if text % 2 else {}
            w.call(at, 900 + text % 700, 1 + text % 3, **answer | {"temperature": 0.0} | limit)


def polling(w: Workload) -> None:
    """An agent that starts a job and waits for it."""
    for number in range(w.random.randint(3, 6)):
        work = [(w.fresh(), w.fresh(), False) for _ in range(w.random.randint(2, 8))]
        status, running = w.fresh(), w.fresh()
        wait = [(status, running, True)] * w.random.randint(4, 30)
        w.steps([*work, *wait, (status, w.fresh(), True)], w.office(), f"{w.name}-{number}", 9000)


def builds(w: Workload) -> None:
    """An agent that edits and tests; the test often says the same again."""
    for number in range(w.random.randint(3, 6)):
        test, fails = w.fresh(), [w.fresh(), w.fresh()]
        rounds = [
            step
            for _ in range(w.random.randint(2, 12))
            for step in (
                *((w.fresh(), w.fresh(), False) for _ in range(w.random.randint(1, 3))),
                (test, w.random.choice(fails), False),
            )
        ]
        w.steps([*rounds, (test, w.fresh(), False)], w.office(), f"{w.name}-{number}", 15_000)


def files(w: Workload) -> None:
    """An agent that goes over many files, and writes with one and the same result."""
    written = w.fresh()
    for number in range(w.random.randint(2, 6)):
        steps = [
            (w.fresh(), written if w.random.random() < 0.7 else w.fresh(), False)
            for _ in range(w.random.randint(5, 40))
        ]
        w.steps(steps, w.office(), f"{w.name}-{number}", 8000)


def unlogged_agent(w: Workload) -> None:
    """An agent of which no arguments are logged: all that is seen is that it calls tools."""
    for number in range(w.random.randint(20, 40)):
        steps = [(0, 0, False)] * (1 + int(w.random.lognormvariate(1.5, 0.8)))
        w.steps(steps, w.office(), f"{w.name}-{number}", 8000, logged=False)


def retries(w: Workload) -> None:
    """Failures that were not billed, then an answer."""
    for _ in range(w.random.randint(20, 60)):
        at, request = w.office(), w.fresh()
        for attempt in range(w.random.choice((0, 0, 0, 1, 2, 3, 8))):
            failed: Row = {"status": "error", "error_type": w.random.choice(("429", "503"))}
            w.call(at + attempt * 2, 0, 0, **failed | {"request_hash": request})
        w.call(at + 20, w.random.uniform(2000, 9000), 400, request_hash=request)


def sampling(w: Workload) -> None:
    """Several answers to one question: asked for at once, or voted on."""
    votes, share = w.random.randint(2, 7), w.random.choice((1.0, 1.0, 0.3))
    for number in range(w.random.randint(15, 40)):
        at, request = w.office(), w.fresh()
        answers = [w.fresh() for _ in range(w.random.choice((1, 2, 5)))]
        for vote in range(votes if w.random.random() < share else 1):
            what: Row = {"request_hash": request, "temperature": w.random.choice((0.7, 1.0))}
            what |= {"conversation_id": f"{w.name}-{number}"}
            w.call(at + vote * 0.1, 4000, 200, **what | {"response_hash": w.random.choice(answers)})


def choices(w: Workload) -> None:
    """The same through one parameter, sometimes in two calls."""
    for _ in range(w.random.randint(30, 80)):
        at, request = w.office(), w.fresh()
        for again in range(w.random.choice((1, 1, 2))):
            w.call(at + again, 4000, 900, request_hash=request, choices=4, user_id="u")


def evaluation(w: Workload) -> None:
    """One suite of cases, run again and again at temperature 0, each case twice."""
    w.name += w.random.choice(("-eval", " benchmark", "", ""))
    cases = [(w.fresh(), w.fresh()) for _ in range(w.random.randint(10, 25))]
    for run in range(w.random.randint(3, 6)):
        for place, (request, answer) in enumerate(cases):
            for again in range(2):
                what: Row = {"request_hash": request, "response_hash": answer}
                at = run * 3 * DAY + place * 6 + again * w.random.uniform(0, 2)
                w.call(at, 3000, 300, **what | {"temperature": 0.0, "workflow": w.name})


def questions(w: Workload) -> None:
    """Many people ask the same few things."""
    known = [(w.fresh(), w.fresh()) for _ in range(30)]
    for _ in range(w.random.randint(50, 120)):
        request, answer = w.random.choice(known)
        what: Row = {"request_hash": request, "response_hash": answer}
        w.call(w.office(), 5000, 300, **what | {"user_id": f"u{w.random.randrange(500)}"})


def watch(w: Workload) -> None:
    """A job that looks at something new each time and nearly always says that all is well."""
    fine, every = w.fresh(), w.random.choice((300.0, 900.0, 3600.0))
    for run in range(w.random.randint(60, 120)):
        answer = fine if w.random.random() < 0.98 else w.fresh()
        prompt = 2000 + (0 if w.random.random() < 0.5 else w.random.randrange(400))
        w.call(run * every, prompt, 3 if answer == fine else 80, response_hash=answer)


def report(w: Workload) -> None:
    """A job once a day, or once an hour, whose text is another each time."""
    every = w.random.choice((3600.0, DAY, 7 * DAY / 5))
    for run in range(w.random.randint(20, 80)):
        w.call(3600 + run * every, w.random.uniform(5000, 40_000), w.random.uniform(300, 900))


def embeddings(w: Workload) -> None:
    """Pieces of equal length, in even bursts."""
    for run in range(w.random.randint(20, 30)):
        for place in range(6):
            what: Row = {"operation_name": "embeddings", "response_hash": None}
            w.call(run * 3600 + place, 8000, 0, **what | {"finish_reason": None})


def extraction(w: Workload) -> None:
    """JSON out of documents, whole; some plain answers end at their limit."""
    for number in range(w.random.randint(40, 90)):
        plain = number % 10 == 0
        what: Row = {"structured_output": not plain, "temperature": 0.0}
        w.call(w.office(), w.random.uniform(1000, 20_000), 400, **what)
        if plain:
            w.rows[-1]["finish_reason"] = "length"


def outcomes(w: Workload) -> None:
    """Work of very different size, some of it dear, some failed; most of it succeeds."""
    spread = w.random.uniform(0.3, 1.1)
    for number in range(w.random.randint(50, 80)):
        size = w.random.lognormvariate(1, spread)
        steps = [(w.fresh(), w.fresh(), False) for _ in range(min(1 + int(size), 150))]
        w.steps(steps, w.office(), f"{w.name}-{number}", 6000)
        if spread > 0.6:
            w.rows[-1]["success"] = w.random.random() < 0.9


def subagents(w: Workload) -> None:
    """Several at once begin with the same steps, and the log gives them one name."""
    for number in range(w.random.randint(2, 5)):
        at = w.office()
        steps = [(w.fresh(), w.fresh(), False) for _ in range(w.random.randint(2, 5))]
        for sub in range(w.random.randint(2, 9)):
            named: Row = {"agent_name": "subagent", "turn": None}
            w.steps(steps, at + sub * 0.05, f"{w.name}-{number}", 7000, **named)


KINDS: tuple[Callable[[Workload], None], ...] = (
    chat,
    classification,
    polling,
    builds,
    files,
    unlogged_agent,
    retries,
    sampling,
    choices,
    evaluation,
    questions,
    watch,
    report,
    embeddings,
    extraction,
    outcomes,
    subagents,
)


def workload(number: int) -> Workload:
    """The workload of that number; kinds take turns."""
    made = Workload(number)
    KINDS[number % len(KINDS)](made)
    return made


def table(made: Iterable[Workload]) -> pa.Table:
    """The calls of these workloads as the ledger's columns."""
    rows = [row for one in made for row in one.rows]
    stated = {name for row in rows for name in row}
    nothing = dict.fromkeys((*QUANTITIES, "reasoning_output_tokens"), 0)
    columns = {
        field.name: pa.array(
            [row.get(field.name, nothing.get(field.name)) for row in rows], field.type
        )
        if field.name in stated
        else pa.repeat(pa.scalar(nothing.get(field.name), field.type), len(rows))
        for field in arrow_schema()
    }
    return pa.table(columns)
