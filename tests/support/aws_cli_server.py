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
from functools import cache


def serve(path: str) -> None:
    from awscli import clidriver  # type: ignore[import-untyped]
    from awscli.botocore import loaders  # type: ignore[import-untyped]

    load = cache(loaders.JSONFileLoader().load_file)
    loaders.JSONFileLoader.load_file = lambda self, file: load(file)
    loader = clidriver.create_clidriver().session.get_component("data_loader")
    for name in ("cli", "endpoints", "partitions"):
        loader.load_data(name)
    for service in ("iam", "sts", "cloudformation"):
        loader.load_service_model(service, "service-2")
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
