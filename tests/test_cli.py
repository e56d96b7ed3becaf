"""The command line as a whole: wrong use, damaged ledgers, read-only SQL, pipes, imports."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLE_LOGS, Run
from tests.ledgers import call, made
from tokman import __version__

CALLS = [
    call(1, workflow="a"),
    call(2, workflow="b", session="=cmd|' /C calc'!A0"),
    call(3, model="nobody-sells-this"),
]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("cli") / "ledger", CALLS)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A ledger that a test may break."""
    return made(tmp_path / "own", CALLS)


def fingerprint(folder: Path) -> str:
    files = sorted(path for path in (folder / "usage").rglob("*") if path.is_file())
    return hashlib.sha256(
        b"".join(str(path).encode() + path.read_bytes() for path in files)
    ).hexdigest()


def run(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """tokman in a process of its own."""
    command = [sys.executable, "-m", "tokman", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def refused(done: Any, code: int = 2) -> str:
    """The one line of the error, after a look at all that must hold for it."""
    assert (done.code, done.out) == (code, "")
    error, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert "went wrong" not in error
    assert "Traceback" not in done.err
    return str(error)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nope"], "No such command 'nope'"),
        (["--nope"], "No such option: --nope"),
        (["report", "--nope"], "No such option: --nope"),
        (["report", "extra"], "unexpected extra argument"),
        (["report", "--by", "nope"], "cannot report by 'nope'"),
        (["report", "--by"], "requires an argument"),
        (["report", "--sort", "nope"], "cannot sort by 'nope'"),
        (["report", "--top", "0"], "--top"),
        (["report", "--top", "-1"], "--top"),
        (["report", "--top", "many"], "--top"),
        (["report", "--top", "1.5"], "--top"),
        (["report", "--tz", "Mars"], "unknown time zone 'Mars'"),
        (["report", "--since", "soon"], "not a date: 'soon'"),
        (["report", "--since", ""], "not a date: ''"),
        (["report", "--until", "2026-13"], "not a date: '2026-13'"),
        (["report", "--format", "xml"], "no format 'xml'"),
        (["report", "--format", "\x1b[31m"], "no format '\\x1b[31m'"),
        (["report", "--config", "gone.toml"], "no configuration file at gone.toml"),
        (["report", "--ledger", "gone"], "no ledger at gone"),
        (["report", "--ledger", "a\nb\x1b"], "no ledger at a b\\x1b"),
        (["sources", "--format", "xml"], "no format 'xml'"),
        (["sources", "extra"], "unexpected extra argument"),
        (["rates"], "Missing argument"),
        (["rates", "nobody-sells-this"], 'no price for the model "nobody-sells-this"'),
        (["rates", "gpt-5.5", "--at", "soon"], "not a date: 'soon'"),
        (["rates", "gpt-5.5", "--format", "xml"], "no format 'xml'"),
        (["rates", "diff", "--where", "1;drop table usage"], "--where"),
        (["reprice", "--undo", "--since", "7d"], "--undo takes back a whole reprice"),
        (["doctor", "--tz", "Mars"], "unknown time zone 'Mars'"),
        (["sql"], "Missing argument"),
        (["sql", "select 1", "--format", "xml"], "no format 'xml'"),
        (["check"], "nothing to compare with"),
        (["check", "--baseline"], "requires an argument"),
        (["ingest", "--source", "nope", "."], "no source 'nope'"),
        (["ingest", "--rejects"], "requires an argument"),
    ],
)
def test_wrong_use(
    arguments: list[str], error: str, tokman: Run, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKMAN_LEDGER", str(ledger))
    assert error in refused(tokman(*arguments))


def test_help(tokman: Run) -> None:
    for option in ("-h", "--help"):
        done = tokman(option)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Usage: ")
    nothing = tokman()
    assert nothing.code == 2
    assert nothing.out == ""
    assert nothing.err.strip() == tokman("--help").out.strip()


@pytest.mark.parametrize(
    "command",
    ["ingest", "report", "sources", "rates", "reprice", "doctor", "sql", "check"],
)
def test_help_of_a_command(command: str, tokman: Run) -> None:
    done = tokman(command, "-h")
    assert (done.code, done.err) == (0, "")
    assert f"{command} [OPTIONS]" in done.out


def test_version(tokman: Run) -> None:
    assert tokman("--version") == (0, f"tokman {__version__}\n", "")


def test_no_ledger_at_all(tokman: Run) -> None:
    for command in (
        ["report"],
        ["sql", "select 1"],
        ["check", "--save", "b.json"],
        ["reprice"],
        ["doctor"],
    ):
        assert "no ledger at" in refused(tokman(*command))
        assert not os.listdir()


def test_which_ledger(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    (tmp_path / "up/down/deeper").mkdir(parents=True)
    made(tmp_path / "up/.tokman", CALLS[:1])
    named = made(tmp_path / "named", CALLS[:2])

    def calls(*options: object) -> int:
        done = tokman("sql", "select count(*) as n from charges", "-f", "json", *options)
        return int(json.loads(done.out)[0]["n"])

    monkeypatch.chdir(tmp_path / "up/down/deeper")
    assert calls() == 1
    (tmp_path / "up/down/.tokman").mkdir()  # a folder of that name that is no ledger
    assert calls() == 1
    monkeypatch.setenv("TOKMAN_LEDGER", str(named))
    assert calls() == 2
    assert calls("--ledger", ledger) == 3
    monkeypatch.setenv("TOKMAN_LEDGER", "")
    assert calls() == 1
    monkeypatch.setenv("TOKMAN_LEDGER", "gone")
    assert "no ledger at gone" in refused(tokman("report"))


def break_json(folder: Path) -> None:
    (folder / "ledger.json").write_text('{"schema": 1, "hash')


def empty_json(folder: Path) -> None:
    (folder / "ledger.json").write_text("")


def newer_schema(folder: Path) -> None:
    stated = json.loads((folder / "ledger.json").read_text())
    (folder / "ledger.json").write_text(json.dumps(stated | {"schema": 99}))


def lose_file(folder: Path) -> None:
    next(folder.glob("usage/**/*.parquet")).unlink()


def cut_file(folder: Path) -> None:
    file = next(folder.glob("usage/**/*.parquet"))
    file.write_bytes(file.read_bytes()[:1000])


def other_file(folder: Path) -> None:
    next(folder.glob("usage/**/*.parquet")).write_bytes(b"not parquet at all")


def break_log(folder: Path) -> None:
    next(folder.glob("usage/_delta_log/*.json")).write_text("{")


def break_bookmarks(folder: Path) -> None:
    for file in folder.glob("ingest.sqlite*"):
        file.unlink()
    (folder / "ingest.sqlite").write_bytes(b"not a database, but long enough to be one" * 100)


DAMAGE = {
    break_json: "ledger.json is damaged",
    empty_json: "ledger.json is damaged",
    newer_schema: "has schema 99",
    lose_file: "is damaged: ",
    cut_file: "is damaged: ",
    other_file: "is damaged: ",
    break_log: "is damaged: ",
    break_bookmarks: "is damaged: ",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_ledger(damage: Any, tokman: Run, own: Path) -> None:
    damage(own)
    for command in (["report"], ["sql", "select 1"], ["check", "--save", "b.json"]):
        assert DAMAGE[damage] in refused(tokman(*command, "--ledger", own))


def test_damage_inside_a_file_is_found_when_it_is_read(tokman: Run, own: Path) -> None:
    file = next(own.glob("usage/**/*.parquet"))
    content = bytearray(file.read_bytes())
    content[8:2000] = b"\xff" * 1992
    file.write_bytes(content)
    assert "the ledger gives no answer" in refused(tokman("report", "--ledger", own))


@pytest.mark.parametrize(
    "question",
    [
        "insert into rejects values ('a', 1, 'b')",
        "update rejects set line = 1",
        "delete from usage",
        "with x as (insert into rejects values ('a', 1, 'b') returning *) from x",
        "drop view usage",
        "drop table rejects",
        "create table x as select 1",
        "create macro f() as 1",
        "alter table rejects add column x int",
        "truncate rejects",
        "copy (select 1) to 'stolen.csv'",
        "copy (select 1 as a) to '{file}' (format parquet, use_tmp_file false)",
        "copy rejects from '/etc/passwd'",
        "explain analyze copy (select 1 as a) to '{file}' (format parquet, use_tmp_file false)",
        "export database 'stolen'",
        "import database 'stolen'",
        "attach 'stolen.db'",
        "attach ':memory:' as x",
        "detach memory",
        "use memory",
        "select * from read_csv('/etc/hostname')",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from read_json('/etc/passwd')",
        "select * from read_parquet('/etc/passwd')",
        "select * from sniff_csv('/etc/passwd')",
        "select * from parquet_metadata('/etc/passwd')",
        "select * from glob('/etc/*')",
        "select * from '/etc/passwd'",
        "from '/etc/passwd'",
        "select * from query('copy (select 1) to ''stolen.csv''')",
        "select * from read_text('https://example.com')",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_paths = ['/etc/passwd']",
        "set allowed_directories = ['/']",
        "reset enable_external_access",
        "pragma database_list",
        "call pragma_version()",
        "checkpoint",
        "vacuum",
        "begin",
        "commit; drop view usage",
        "prepare p as select 1",
        "select 1; select 2",
        "select 1; drop view usage",
        "",
        " ",
        ";",
        "-- nothing",
        "select",
        "selct 1",
        "select no_such_column from charges",
        "select * from no_such_table",
        "select * from frame",
        "select * from question",
        "select * from connection",
        "select cast('x' as int)",
        "select '\udcff'",
        "select getenv('HOME')",
    ],
)
def test_sql_is_read_only(question: str, tokman: Run, ledger: Path) -> None:
    before = fingerprint(ledger)
    file = next(ledger.glob("usage/**/*.parquet"))
    done = tokman("sql", question.replace("{file}", str(file)), "--ledger", ledger)
    refused(done)
    assert "root:" not in done.err
    assert fingerprint(ledger) == before
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("select count(*) as n from charges", [{"n": 3}]),
        ("with x as (select 1 as a) select a from x", [{"a": 1}]),
        ("from (values (1)) as t(a);", [{"a": 1}]),
        ("/* why */ select 1 as a -- because", [{"a": 1}]),
        ("select 1 as a, 2 as a, 3 as a", [{"a": 1, "a_2": 2, "a_3": 3}]),
        ("select 1 as a, 2 as a_2, 3 as a", [{"a": 1, "a_2": 2, "a_3": 3}]),
        ("select 1 as a where false", []),
        ("select sum(list_cost) as usd from charges", [{"usd": Decimal("0.016")}]),
        ("select workflow, count(*) as n from charges where unpriced group by all",
         [{"workflow": None, "n": 1}]),
        ("select 170141183460469231731687303715884105727::hugeint as h",
         [{"h": 170141183460469231731687303715884105727}]),
        ("select 12345678901234567890123456.123456789012::decimal(38, 12) as d",
         [{"d": Decimal("12345678901234567890123456.123456789012")}]),
        ("select interval 36 hours as i", [{"i": "P1DT43200S"}]),
        ("select timestamptz '2026-11-01 10:00:00+02' as t", [{"t": "2026-11-01T08:00:00+00:00"}]),
        ("select [1, 2] as l, {'k': 1.50::decimal(9, 2)} as s, map {1: 'x'} as m",
         [{"l": [1, 2], "s": {"k": Decimal("1.5")}, "m": {"1": "x"}}]),
        ("select 'nan'::double as n, true as b, null as z", [{"n": None, "b": True, "z": None}]),
        ("select date '2026-11-01' as d, time '10:30' as t",
         [{"d": "2026-11-01", "t": "10:30:00"}]),
        ("select path from rejects", []),
    ],
)  # fmt: skip
def test_sql(question: str, rows: list[Any], tokman: Run, ledger: Path) -> None:
    done = tokman("sql", question, "--ledger", ledger, "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out, parse_float=Decimal) == rows
    for form in ("table", "csv", "markdown"):
        assert tokman("sql", question, "--ledger", ledger, "--format", form).code == 0


@pytest.mark.parametrize(
    "question",
    [
        "describe charges",
        "desc usage",
        "summarize charges",
        "show tables",
        "table rejects",
        "from usage",
        "select * exclude (tags) from charges order by list_cost desc nulls last limit 2",
        "select columns('.*tokens') from charges",
        "unpivot (select calls: count(*), cost: sum(list_cost) from charges) on columns(*)",
        "select uuid(), 'a'::blob, 1::bit",
        "select timestamp 'infinity'",
    ],
)
def test_sql_for_those_who_think_in_it(question: str, tokman: Run, ledger: Path) -> None:
    for form in ("table", "json", "csv", "markdown"):
        done = tokman("sql", question, "--ledger", ledger, "--format", form)
        assert (done.code, done.err) == (0, "")
        assert len(done.out.splitlines()) >= (1 if "rejects" in question else 2)


def test_what_a_query_finds_is_harmless(tokman: Run, ledger: Path) -> None:
    question = "select conversation_id as \"=1\x1b\", chr(27) || '[31m' as x from charges"
    asked = ("sql", question, "--ledger", ledger, "--format")
    for form in ("table", "markdown", "csv", "json"):
        assert "\x1b" not in tokman(*asked, form).out
    rows = list(csv.reader(io.StringIO(tokman(*asked, "csv").out)))
    assert rows[0][0] == "'=1\\x1b"
    assert "'=cmd|' /C calc'!A0" in [row[0] for row in rows]


def test_rejects_can_be_asked_for(tokman: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(each) + "\n" for each in CALLS) + '{"torn": \n')
    assert tokman("ingest", log, "--ledger", "here", "--rejects", "no.csv").code == 1
    done = tokman("sql", "from rejects", "--ledger", "here", "--format", "json")
    (row,) = json.loads(done.out)
    assert (row["path"], row["line"]) == (str(log), 4)
    (listed,) = csv.DictReader(io.StringIO(Path("no.csv").read_text()))
    assert listed == {"path": str(log), "line": "4", "reason": row["reason"]}


def test_an_empty_ledger_has_its_columns(tokman: Run, ledger: Path) -> None:
    from tokman.ledger import Ledger

    Ledger(Path("empty"), create=True)
    described = [
        tokman("sql", "describe charges", "--ledger", folder, "--format", "csv").out
        for folder in ("empty", ledger)
    ]
    assert described[0] == described[1]


def test_a_reader_that_has_had_enough(ledger: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m tokman sql 'from range(200000)' --ledger {ledger} -f csv"
    for form in (command, command.replace("csv", "json"), command.replace("csv", "table")):
        done = subprocess.run(
            ["bash", "-c", f"{form} | head -1"], capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) == 1


def test_the_gate_keeps_its_verdict_when_nobody_reads_it(ledger: Path, tmp_path: Path) -> None:
    saved = run("check", "--ledger", ledger, "--save", "b.json", "--where", "not unpriced")
    assert saved.returncode == 0
    command = f"{sys.executable} -m tokman check --ledger {ledger} --baseline b.json"
    done = subprocess.run(
        ["bash", "-c", f"{command} --where 'not unpriced' | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_terminal_that_knows_no_unicode(ledger: Path) -> None:
    done = run("report", "--ledger", ledger, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_completion_for_bash() -> None:
    command = Path(sys.executable).with_name("tokman")

    def complete(step: str, **more: str) -> str:
        done = subprocess.run(
            [command],
            env=os.environ | {"SHELL": "/bin/bash", "_TOKMAN_COMPLETE": step} | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert "complete -o default -F _tokman_completion tokman" in complete("source_bash")
    offered = complete("complete_bash", COMP_WORDS="tokman re", COMP_CWORD="1")
    assert "report" in offered.split()


def test_a_process_of_its_own_says_it_all_and_ends_with_the_same_code(tokman: Run) -> None:
    for arguments in (["sources", "--format", "json"], ["report", "--ledger", "nowhere"]):
        done = subprocess.run(
            [sys.executable, "-m", "tokman", *arguments], capture_output=True, text=True
        )
        inside = tokman(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (inside.code, inside.out, inside.err)


HEAVY = "duckdb polars pyarrow deltalake genai_prices tiktoken rich.progress".split()


@pytest.mark.parametrize(
    "arguments", [None, ["--help"], ["--version"], ["nope"], ["report", "-h"], []]
)
def test_nothing_heavy_is_imported_for_little(arguments: list[str] | None) -> None:
    program = (
        "import sys, tokman.cli\n"
        f"sys.argv = ['tokman', *{arguments or []!r}]\n"
        "try:\n"
        f"    {'pass' if arguments is None else 'tokman.cli.main()'}\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("command", ["ingest sample_logs --ledger", "report --ledger"])
def test_no_source_is_imported_when_no_log_is_read(command: str, sample_ledger: Path) -> None:
    program = (
        "import sys, tokman.cli\n"
        f"sys.argv = ['tokman', *{command.split()!r}, {str(sample_ledger)!r}]\n"
        "try:\n"
        "    tokman.cli.main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code\n"
        "loaded = (name for name in sys.modules if name.startswith('tokman.sources.'))\n"
        "print('loaded:', *loaded)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=SAMPLE_LOGS.parent,
    )
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_sources_and_rates_in_every_format(tokman: Run) -> None:
    for command in (["sources"], ["rates", "gpt-5.5", "--at", "2026-11-01"]):
        for form in ("table", "csv", "markdown", "json"):
            done = tokman(*command, "--format", form)
            assert (done.code, done.err) == (0, "")
        assert json.loads(done.out)


def test_the_sample_logs_answer_every_command(tokman: Run, sample_ledger: Path) -> None:
    assert SAMPLE_LOGS.is_dir()
    for command in (["report", "--by", "day"], ["sql", "summarize charges"]):
        assert tokman(*command, "--ledger", sample_ledger).code == 0
