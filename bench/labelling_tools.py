#!/usr/bin/env python3
"""Round trips of suggestions through real labelling tools: suggested, answered in the tool, exported by it, and imported again.

    bench/labelling_tools.py label-studio ~/venv-label-studio     # a virtual environment with `pip install label-studio`
    bench/labelling_tools.py doccano ~/venv-doccano               # `pip install doccano 'marshmallow<4' 'setuptools<81' numpy==1.26.4 pandas==2.2.3`
    bench/labelling_tools.py argilla ~/venv-argilla               # `pip install argilla requests`: its client's objects, without a server

Needs a built pressrun (`--program`). The articles have an emoji before each sentence, because tools count characters in different ways. Every
second suggestion is accepted, the others are refused, and one stays without an answer.
"""
import argparse
import http.cookiejar
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request

import labels as bench

ROOT = pathlib.Path(__file__).resolve().parent.parent
SENTENCES = [
    "Rents in the city rose by a fifth.", "Landlords evicted three hundred families.", "House prices fell again.",
    "The river burst its banks.", "The storm closed four bridges.", "The home side won the final.",
    "The district will hire forty teachers.", "Mortgage rates reached a record.", "Tenants marched on city hall.",
    "The bank raised its rate.",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("environment", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "release" / "pressrun")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "newsroom")
    parser.add_argument("--port", type=int, default=18080)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bench.write_input(folder, [{"text": f"\N{HOUSE BUILDING}\N{THUMBS UP SIGN} {sentence}"} for sentence in SENTENCES])
        bench.write_config(folder, arguments.model, multiple=True)
        bench.write_labels(folder, [{"code": "housing", "about": "rents, house prices, evictions, mortgages"}], [])
        bench.pressrun(arguments, folder, "labels", "fit", "desk")
        bench.pressrun(arguments, folder, "run")
        suggested = bench.pressrun(arguments, folder, "suggest", "desk", "--label", "housing", "-n", "7", "--format", arguments.tool)
        exports = TOOLS[arguments.tool](arguments, folder, suggested)
        for name, exported in exports.items():
            check(arguments, folder, name, exported)


def check(arguments, folder, name, exported):
    """Imports what a tool exported, and compares it with the answers that were given."""
    (folder / "desk.jsonl").write_text("")
    (folder / "answers").write_text(exported)
    said = bench.pressrun(arguments, folder, "labels", "import", "answers").strip().splitlines()
    rows = [json.loads(line) for line in (folder / "desk.jsonl").read_text().splitlines()]
    stored = {}
    for path in (folder / "output" / "statements").iterdir():
        for line in path.read_text().splitlines():
            record = json.loads(line)
            stored[record["statement"]] = record["text"]
    for row in rows:
        assert stored[row["statement"]] == row["text"] and row["label"] == "housing", row
    accepted = sum(row["accept"] for row in rows)
    assert (accepted, len(rows) - accepted) == (3, 3), (accepted, rows, said)
    print(f"{name}: {said[0].split(': ', 1)[-1]}")


def answer(number):
    """The answer to the suggestion with this number, or None."""
    return None if number == 6 else ["housing", "not housing"][number % 2]


class Client:
    """Requests to a server that knows its users by cookies."""

    def __init__(self, address):
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def send(self, path, body=None, *, method=None, form=None, files=None):
        headers = {"Referer": self.address}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        elif form is not None:
            data = urllib.parse.urlencode(form).encode()
        elif files is not None:
            boundary = secrets.token_hex(8)
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            data = b""
            for field, (name, content) in files.items():
                data += f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: application/json\r\n\r\n'.encode()
                data += content.encode() + b"\r\n"
            data += f"--{boundary}--\r\n".encode()
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), None)
        if token:
            headers["X-CSRFToken"] = token
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            return self.opener.open(request, timeout=120).read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{path}: {error.code} {error.read()[:500]}")

    def json(self, path, body=None, **more):
        return json.loads(self.send(path, body, **more))


def wait_for(address, process):
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        try:
            return urllib.request.urlopen(address, timeout=5)
        except urllib.error.HTTPError as answer:
            # Any answer is one: not every tool has a page there.
            return answer
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(2)
    sys.exit("the server does not answer")


def label_studio(arguments, folder, suggested):
    program = arguments.environment / "bin" / "label-studio"
    address = f"http://127.0.0.1:{arguments.port}"
    server = [program, "start", "--no-browser", "--port", str(arguments.port), "--data-dir", folder / "studio", "--username", "a@example.org", "--password", "a-password-1", "--internal-host", "127.0.0.1"]
    process = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(address + "/health", process)
        client = Client(address)
        page = client.send("/user/login/").decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        client.send("/user/login/", form={"csrfmiddlewaretoken": token, "email": "a@example.org", "password": "a-password-1"})
        config = '<View><Text name="text" value="$text"/><Choices name="answer" toName="text"><Choice value="housing"/><Choice value="not housing"/></Choices></View>'
        project = client.json("/api/projects", {"title": "desk", "label_config": config})["id"]
        client.json(f"/api/projects/{project}/import", json.loads(suggested))
        tasks = client.json(f"/api/tasks?project={project}&page_size=100")
        tasks = sorted(tasks["tasks"] if isinstance(tasks, dict) else tasks, key=lambda task: task["id"])
        for number, task in enumerate(tasks):
            if answer(number):
                choice = {"from_name": "answer", "to_name": "text", "type": "choices", "value": {"choices": [answer(number)]}}
                client.json(f"/api/tasks/{task['id']}/annotations", {"result": [choice]})
        return {f"Label Studio, {form}": client.send(f"/api/projects/{project}/export?exportType={form}&download_all_tasks=true").decode() for form in ["JSON", "JSON_MIN", "CSV"]}
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def doccano(arguments, folder, suggested):
    program = arguments.environment / "bin" / "doccano"
    address = f"http://127.0.0.1:{arguments.port}"
    environment = {**os.environ, "HOME": str(folder), "DATABASE_URL": f"sqlite:///{folder}/doccano.db"}
    quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "init"], check=True, **quiet)
    subprocess.run([program, "createuser", "--username", "admin", "--password", "a-password-1"], check=True, **quiet)
    processes = [subprocess.Popen([program, "webserver", "--port", str(arguments.port)], start_new_session=True, **quiet), subprocess.Popen([program, "task"], start_new_session=True, **quiet)]
    try:
        wait_for(address, processes[0])
        client = Client(address)
        client.json("/v1/auth/login/", {"username": "admin", "password": "a-password-1"})
        project = client.json("/v1/projects", {"name": "desk", "description": "desk", "project_type": "DocumentClassification", "resourcetype": "TextClassificationProject", "single_class_classification": True})["id"]
        for label in ["housing", "not housing"]:
            client.json(f"/v1/projects/{project}/category-types", {"text": label, "background_color": "#333333", "text_color": "#ffffff"})
        upload = client.send("/v1/fp/process/", files={"filepond": ("desk.jsonl", suggested)}).decode()
        started = client.json(f"/v1/projects/{project}/upload", {"format": "JSONL", "task": "DocumentClassification", "uploadIds": [upload], "column_data": "text", "column_label": "label", "delimiter": ",", "encoding": "utf_8"})
        finish_task(client, started["task_id"])
        types = {entry["text"]: entry["id"] for entry in client.json(f"/v1/projects/{project}/category-types")}
        examples = client.json(f"/v1/projects/{project}/examples?limit=100")["results"]
        for number, example in enumerate(sorted(examples, key=lambda example: example["id"])):
            if answer(number):
                client.json(f"/v1/projects/{project}/examples/{example['id']}/categories", {"label": types[answer(number)]})
        started = client.json(f"/v1/projects/{project}/download", {"format": "JSONL", "exportApproved": False})
        finish_task(client, started["task_id"])
        archive = folder / "doccano.zip"
        archive.write_bytes(client.send(f"/v1/projects/{project}/download?taskId={started['task_id']}"))
        exported = subprocess.run(["unzip", "-p", archive], check=True, capture_output=True, text=True).stdout
        return {"doccano, JSONL": exported}
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)


def finish_task(client, task):
    for _ in range(120):
        state = client.json(f"/v1/tasks/status/{task}")
        if state["ready"]:
            assert not state.get("error"), state
            return
        time.sleep(1)
    sys.exit("doccano does not finish")


def argilla(arguments, folder, suggested):
    """The records go through the client's own classes, which have no server here."""
    script = textwrap.dedent("""
        import json, sys, uuid
        import argilla as rg
        records = [rg.Record.from_dict(record) for record in json.load(sys.stdin)]
        for number, record in enumerate(records):
            answer = None if number == 6 else ["housing", "not housing"][number % 2]
            if answer:
                record.responses.add(rg.Response("answer", answer, user_id=uuid.uuid4(), status="submitted"))
        print(json.dumps([record.to_dict() for record in records], default=str))
    """)
    done = subprocess.run([arguments.environment / "bin" / "python", "-c", script], input=suggested, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return {"Argilla, records": done.stdout.splitlines()[-1]}


TOOLS = {"label-studio": label_studio, "doccano": doccano, "argilla": argilla}

if __name__ == "__main__":
    main()
