"""A server that a command starts: `fake_server.py PORT NOTES [--stubborn] [--mute] [--dies]`.

It starts a child, which starts another one in its own session, and writes the ids of the three processes and its GPU
to a file in NOTES.
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

GRANDCHILD = "import time; time.sleep(600)"
CHILD = f"""import subprocess, sys, time
process = subprocess.Popen([sys.executable, "-c", {GRANDCHILD!r}], start_new_session=True)
print(process.pid, flush=True)
time.sleep(600)"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"data": [{"id": "tiny"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        dialogue = {"user_prompt": "a", "robot_utterance": "b", "scenario_type": "c", "response_type": "d"}
        self.answer({"choices": [{"finish_reason": "stop", "message": {"content": json.dumps(dialogue)}}]})

    def answer(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main(port, notes, *flags):
    if "--stubborn" in flags:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    note = {
        "pids": [os.getpid(), child.pid, int(child.stdout.readline())],
        "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    file = Path(notes) / f"{os.getpid()}.part"
    file.write_text(json.dumps(note))
    file.rename(file.with_suffix(".json"))
    print("loading the weights of", os.environ.get("OPENAI_API_KEY"), flush=True)
    if "--dies" in flags:
        sys.exit("out of memory")
    if "--mute" in flags:
        signal.pause()
    HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


main(*sys.argv[1:])
