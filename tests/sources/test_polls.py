"""Which tool calls wait or ask, and their look-alikes that act."""

from __future__ import annotations

from typing import Any

import pytest

from tokman.sources.polls import polls

POLLS: list[tuple[str, Any]] = [
    ("wait", {}),
    ("wait_agent", {"ids": ["a"]}),
    ("sleep", {"seconds": 30}),
    ("get_job_status", {"id": "j-1"}),
    ("mcp__ci__checkStatus", {}),
    ("waitForDeployment", {}),
    ("BashOutput", {"bash_id": "b1"}),
    ("TaskOutput", {"task_id": "t1"}),
    ("write_stdin", {"session_id": 7, "chars": ""}),
    ("Bash", {"command": "sleep 30"}),
    ("Bash", {"command": "sleep 30 && tail -5 build.log 2>&1 | grep -c ok"}),
    ("Bash", {"command": "cd /srv/web && gh run view 1234"}),
    ("Bash", {"command": "gh run watch 1234 > /dev/null"}),
    ("Bash", {"command": "gh pr checks 12 --watch"}),
    ("Bash", {"command": "watch -n1 ls"}),
    ("Bash", {"command": "until gh run list | grep -q completed; do sleep 10; done"}),
    ("Bash", {"command": "curl -s https://api.example.test/jobs/7/status | jq .state"}),
    ("Bash", {"command": "curl -sf localhost:8080/healthz"}),
    ("Bash", {"command": "kubectl -n web get pods"}),
    ("Bash", {"command": "systemctl status nginx"}),
    ("Bash", {"command": "ps aux | grep node"}),
    ("Bash", {"command": "timeout 60 sleep 5"}),
    ("shell", {"command": ["bash", "-lc", "sleep 5"]}),
    ("exec_command", {"cmd": "sleep 5; cat out.txt"}),
]
ACTS: list[tuple[str, Any]] = [
    ("set_status", {"status": "done"}),
    ("update_issue_status", {}),
    ("TaskUpdate", {"taskId": "1"}),
    ("TodoWrite", {}),
    ("await_nothing", {}),
    ("waiter", {}),
    ("Read", {"file_path": "status"}),
    ("write_stdin", {"session_id": 7, "chars": "y\n"}),
    ("Bash", {"command": "ls"}),
    ("Bash", {"command": "tail -5 build.log"}),
    ("Bash", {"command": "make test"}),
    ("Bash", {"command": "sleep 5 && make test"}),
    ("Bash", {"command": "sleep 5; rm -rf build"}),
    ("Bash", {"command": "sleep 1 > started"}),
    ("Bash", {"command": "sleep $(rm x)"}),
    ("Bash", {"command": "sleep `rm x`"}),
    ("Bash", {"command": "gh run rerun 1234"}),
    ("Bash", {"command": "gh pr merge 12"}),
    ("Bash", {"command": "curl -X POST https://api.example.test/jobs/7/status"}),
    ("Bash", {"command": "curl -d state=done https://api.example.test/jobs/7/status"}),
    ("Bash", {"command": "curl https://api.example.test/statuses.csv"}),
    ("Bash", {"command": "kubectl delete pod web-1"}),
    ("Bash", {"command": "docker compose up"}),
    ("Bash", {"command": 'git commit -m "sleep 5"'}),
    ("Bash", {"command": "git status"}),
    ("Bash", {"command": "sleep 1; " * 500}),
    ("Bash", {"command": None}),
    ("Bash", {"command": ["sleep", 5]}),
    ("Bash", None),
    ("Bash", []),
]


@pytest.mark.parametrize(("name", "arguments"), POLLS)
def test_what_waits_or_asks(name: str, arguments: Any) -> None:
    assert polls(name, arguments)


@pytest.mark.parametrize(("name", "arguments"), ACTS)
def test_what_acts(name: str, arguments: Any) -> None:
    assert not polls(name, arguments)
