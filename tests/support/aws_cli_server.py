"""The real AWS CLI in a process that has loaded it: each command is a fork of it, and starts in no time.

python aws_cli_server.py SOCKET      serves commands until its standard input is closed
python aws_cli_server.py SOCKET run WORDS...      runs one, with this process's streams and variables
"""

import json
import os
import signal
import socket
import sys
import threading
from contextlib import redirect_stderr
from functools import cache
from io import StringIO

# What these commands load before nobody answers them, every fork has.
WARM_UP = (
    ("iam", "get-role", "--role-name", "none"),
    ("sts", "get-caller-identity"),
    ("cloudformation", "describe-stacks"),
)
NOBODY = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_MAX_ATTEMPTS": "1",
} | dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)


def serve(path: str) -> None:
    from awscli import clidriver  # type: ignore[import-untyped]  # it puts its own botocore in the place
    from botocore import loaders

    load, list_services = cache(loaders.JSONFileLoader().load_file), loaders.Loader.list_available_services
    services: dict[str, list[str]] = {}

    def list_once(self: object, type_name: str) -> list[str]:
        if type_name not in services:
            services[type_name] = list_services(self, type_name)
        return services[type_name]

    loaders.JSONFileLoader.load_file = lambda self, file: load(file)
    loaders.Loader.list_available_services = list_once
    os.environ |= NOBODY
    with redirect_stderr(StringIO()):
        for words in WARM_UP:
            clidriver.create_clidriver().main([*words, "--endpoint-url", "http://127.0.0.1:9"])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        if os.fork():
            client.close()
        else:
            _answer(client, clidriver)


def _answer(client: socket.socket, driver: object) -> None:
    """Run one command in this process, which is a fork, and end it."""
    asked, streams, _, _ = socket.recv_fds(client, 1 << 20, 3)
    told = json.loads(asked)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin = os.fdopen(0)  # a thread of the server holds the lock of the other one
    os.setsid()  # without a terminal, so that a prompt reads standard input
    os.chdir(told["folder"])
    # The AWS CLI sets it for itself when it is loaded.
    told["variables"]["AWS_DATA_PATH"] = os.environ["AWS_DATA_PATH"]
    os.environ.clear()
    os.environ.update(told["variables"])
    sys.argv = ["aws", *told["words"]]
    try:
        code = driver.main()  # type: ignore[attr-defined]
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(str(code or 0).encode())
    os._exit(0)


def run(path: str, words: list[str]) -> int:
    told = {"words": words, "folder": os.getcwd(), "variables": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [json.dumps(told).encode()], [0, 1, 2])
        return int(server.recv(16) or 255)


if __name__ == "__main__":
    socket_path, *rest = sys.argv[1:]
    sys.exit(run(socket_path, rest[1:]) if rest else serve(socket_path))
