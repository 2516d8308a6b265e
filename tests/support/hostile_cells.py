"""Cells that do to a kernel, its messages and its process what no runbook should, and how each run ends."""

from dataclasses import dataclass

FAILED, DIED, TIMED_OUT, INTERRUPTED = "failed", "kernel-died", "timed-out", "interrupted"
AFTER = "print('the cell after it')"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class HostileCell:
    """The source of a cell, the status of its run, and a text that its page must show."""

    source: str
    status: str = "succeeded"
    shown: str = ""
    quick: bool = False


_SEND = """
from ipykernel.kernelapp import IPKernelApp
_kernel = IPKernelApp.instance().kernel
def send(kind, content, **more):
    _kernel.session.send(_kernel.iopub_socket, kind, content, parent=_kernel.get_parent(), **more)
"""
_DISPLAY = "from IPython.display import display\n"

WIDGETS = {
    "an Output widget that captures": HostileCell(
        "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('within')\n"
        "    display('a value')\nout",
        shown="within",
        quick=True,
    ),
    "an Output widget that captures an error": HostileCell(
        "import ipywidgets\nwith ipywidgets.Output():\n    1 / 0",
        FAILED,
        "ZeroDivisionError",
    ),
    "Output widgets within each other, cleared": HostileCell(
        "import ipywidgets\na, b = ipywidgets.Output(), ipywidgets.Output()\n"
        "with a:\n    print('outer')\n    with b:\n        print('inner')\n        b.clear_output()\n"
        "a.clear_output(wait=True)\ndel a\ndisplay(b)"
    ),
    "an Output widget captured by a decorator": HostileCell(
        "import ipywidgets\nout = ipywidgets.Output()\n@out.capture(clear_output=True)\ndef f():\n"
        "    print('decorated')\nf()\nf()"
    ),
    "interact": HostileCell(
        "from ipywidgets import interact\ninteract(lambda x: print('x is', x), x=(0, 9))",
        shown="x is 4",
        quick=True,
    ),
    "interactive_output": HostileCell(
        "import ipywidgets\nslider = ipywidgets.IntSlider()\n"
        "display(ipywidgets.interactive_output(lambda x: display({'x': x}), {'x': slider}))\nslider.value = 7"
    ),
    "a widget with binary buffers": HostileCell(
        "import ipywidgets\nimage = ipywidgets.Image(value=b'\\x89PNG\\xff' * 99)\ndisplay(image)\n"
        "image.value = b'\\x00' * 1000000"
    ),
}
COMMS = {
    "a comm of an unknown target": HostileCell(
        "from comm import create_comm\nc = create_comm(target_name='nobody', data={'a': 1})\n"
        "c.send({'b': 2}, buffers=[b'\\xff'])\nc.close()"
    ),
    "a widget's comm without its fields": HostileCell(
        "from comm import create_comm\ncreate_comm(target_name='jupyter.widget', data={})\n"
        "create_comm(target_name='jupyter.widget', data={'state': {'_model_module': ['x']}})"
    ),
    "secrets that are none": HostileCell(
        "from comm import create_comm\nfor data in ({}, {'secrets': None}, {'secrets': [1, None, '']}, "
        "{'secrets': 'abcdefgh'}):\n    create_comm(target_name='xacct_nb.secrets', data=data)"
    ),
    "messages of no valid form": HostileCell(
        _SEND + "for kind in ('display_data', 'execute_result', 'stream', 'error', 'update_display_data',\n"
        "             'comm_open', 'comm_msg', 'clear_output', 'execute_input', 'status', 'unheard_of'):\n"
        "    for content in ({}, {'data': None}, {'data': 3, 'metadata': [], 'transient': 5},\n"
        "                    {'name': 7, 'text': 8}, {'comm_id': [], 'data': {}}, {'traceback': 'x'}):\n"
        "        if kind != 'status' or content:\n            send(kind, content)",
        quick=True,
    ),
    "frames that are no messages": HostileCell(
        _SEND + "for frames in ([b'x'], [b'<IDS|MSG>'], [b'a', b'<IDS|MSG>', b'', b'{', b'{', b'{', b'{']):\n"
        "    _kernel.iopub_socket.send_multipart(frames)"
    ),
    "an idle state before its end": HostileCell(
        _SEND + "send('status', {'execution_state': 'idle'})\nprint('after it')"
    ),
    "an error message without an error": HostileCell(
        _SEND + "send('error', {'ename': None, 'evalue': {'a': 1}, 'traceback': [1, None, ['x']]})", FAILED
    ),
}
_MIME = _DISPLAY + "for data in ({}):\n    display(data, raw=True)"
DISPLAYS = {
    "MIME data that is no text": HostileCell(
        _DISPLAY + "for data in (7, [1, 'a'], {'a': [{}]}, None, True, 1.5, [['x']], [None], {}, []):\n"
        "    for kind in ('text/plain', 'text/html', 'image/png', 'image/svg+xml', 'text/markdown', 'x/y',\n"
        "                 'application/json', 'application/vnd.a.b+json', 'text/latex'):\n"
        "        display({kind: data}, raw=True)\nprint('all shown')",
        shown="all shown",
        quick=True,
    ),
    "MIME data that is bytes": HostileCell(
        _DISPLAY + "display({'image/png': b'\\x89PNG', 'text/plain': b'\\xff', 'x/y': b''}, raw=True)"
    ),
    "a result whose data is no text": HostileCell(
        "class Odd:\n    def _repr_mimebundle_(self, **_):\n"
        "        return {'text/plain': 5, 'text/html': {'a': 1}}, {'text/html': 9}\nOdd()"
    ),
    "a picture that is none": HostileCell(
        _DISPLAY + "display({'image/png': 'no base64!', 'image/jpeg': 'AAAA' * 9, 'text/plain': 'a picture'},"
        " raw=True)",
        shown="a picture",
    ),
    "vendor MIME data": HostileCell(
        _DISPLAY + "display({'application/vnd.vega.v5+json': {'a': float('nan'), 'b': [float('inf')]},"
        "'application/json': 3, 'application/geo+json': None, '': 'x', 'a' * 9999: 'b'}, raw=True)"
    ),
    "metadata that is no mapping": HostileCell(
        _DISPLAY + _SEND + "for metadata in ([], 'x', 7, None, {'image/png': 'x'}, {'a': {'b': [1]}}):\n"
        "    send('display_data', {'data': {'text/plain': 'x'}, 'metadata': metadata, 'transient': {}})"
    ),
    "an update of an unknown display": HostileCell(
        _DISPLAY + "from IPython.display import update_display\nupdate_display('x', display_id='nowhere')\n"
        "handle = display('first', display_id='h')\nhandle.update({'text/plain': [5]}, raw=True)\n"
        "handle.update('second')",
        shown="second",
    ),
    "displays that are cleared, then updated": HostileCell(
        _DISPLAY + "from IPython.display import clear_output\nh = display('a', display_id=True)\n"
        "clear_output(wait=True)\nprint('b')\nh.update('c')\nclear_output()\nh.update('d')\nprint('e')",
        shown="e",
    ),
    "deep nesting": HostileCell(
        _DISPLAY + "deep = leaf = []\nfor _ in range(400):\n    leaf.append([])\n    leaf = leaf[0]\n"
        "display({'application/json': deep, 'text/plain': 'deep'}, raw=True)\n"
        "display({'text/html': '<div>' * 5000, 'text/markdown': '>' * 5000}, raw=True)",
        shown="deep",
    ),
    "lone surrogates and NUL": HostileCell(
        _DISPLAY + "import sys\nodd = 'a\\ud800b\\x00c\\udcffd'\n"
        "for write in (print, display, lambda text: display({'text/html': text, text: text}, raw=True)):\n"
        "    try:\n        write(odd)\n    except UnicodeError:\n        print('refused')\n"
        "raise ValueError(odd)",
        FAILED,
    ),
    "formatters that are replaced": HostileCell(
        "shell = get_ipython()\nshell.display_formatter.format = lambda *_, **__: ({'text/plain': [1]}, 5)\n"
        "shell.display_pub.publish(data={'text/plain': {}}, metadata={})\n5"
    ),
    "a shell of which everything is replaced": HostileCell(
        "shell = get_ipython()\nshell.showtraceback = shell.set_next_input = shell.showsyntaxerror = None\n"
        "shell.events.callbacks = {}\nshell.displayhook = None\n1 / 0",
        TIMED_OUT,
    ),
}
STREAMS = {
    "a stream of 100 MB": HostileCell("print('x' * 100_000_000)\nprint('the end of it')", shown="left out"),
    "a million small writes": HostileCell(
        "import sys\nfor number in range(1_000_000):\n    sys.stdout.write(f'{number % 7}\\n')"
    ),
    "six thousand displays": HostileCell(
        _DISPLAY + "for number in range(6_000):\n    display({'text/plain': 'x' * 500}, raw=True)",
        shown="left out",
    ),
    "a result of 50 MB": HostileCell("'y' * 50_000_000", shown="left out"),
    "standard output that is replaced": HostileCell(
        "import sys, io\nsys.stdout = sys.stderr = io.StringIO()\nprint('nowhere')"
    ),
    "no standard error": HostileCell("import sys\nsys.stderr = None", TIMED_OUT),
    "standard output that is closed": HostileCell(
        "import sys\nsys.stdout.close()\nsys.stderr.close()", FAILED
    ),
    "file descriptors that are closed": HostileCell(
        "import os\nfor number in (0, 1, 2):\n    os.close(number)\nprint('still')", shown="still", quick=True
    ),
    "file descriptors that lead elsewhere": HostileCell(
        "import os\nnowhere = os.open('/dev/full', os.O_WRONLY)\nos.dup2(nowhere, 1)\nos.dup2(nowhere, 2)\n"
        "os.system('echo x')\nprint('still')",
        shown="still",
    ),
    "every file descriptor closed": HostileCell("import os\nos.closerange(3, 200)", "kernel-died"),
    "a thread that prints after the end": HostileCell(
        "import threading, time\ndef later():\n    for _ in range(50):\n        time.sleep(0.01)\n"
        "        print('late')\nthreading.Thread(target=later).start()"
    ),
    "a question": HostileCell("input('who? ')", FAILED, shown="StdinNotImplementedError"),
    "a question for a password": HostileCell(
        "import getpass, sys\ntry:\n    getpass.getpass()\nexcept Exception as e:\n"
        "    print(type(e).__name__)\n"
        "print(repr(sys.stdin.read()))"
    ),
}
EXITS = {
    "exit()": HostileCell("exit()", FAILED),
    "quit with a code": HostileCell("quit(3)", FAILED),
    "os._exit": HostileCell("import os\nos._exit(0)", DIED),
    "os.abort": HostileCell("import os\nos.abort()", DIED),
    "a segmentation fault": HostileCell("import ctypes\nctypes.string_at(0)", DIED),
    "a signal to its group": HostileCell("import os, signal\nos.killpg(0, signal.SIGKILL)", DIED),
    "a signal to its parent": HostileCell(
        "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(60)", INTERRUPTED
    ),
    "a hang-up of its parent": HostileCell(
        "import os, signal, time\nos.kill(os.getppid(), signal.SIGHUP)\ntime.sleep(60)", INTERRUPTED
    ),
    "a process that stops itself": HostileCell("import os, signal\nos.kill(0, signal.SIGSTOP)", TIMED_OUT),
    "a cell that cannot be interrupted": HostileCell(
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    time.sleep(1)",
        TIMED_OUT,
    ),
    "a child that outlives it": HostileCell(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    for _ in range(30):\n"
        "        time.sleep(0.1)\n"
        "        os.write(1, b'child')\n    os._exit(0)"
    ),
    "a child that goes on as the kernel": HostileCell("import os\nos.fork()\nprint('both')"),
    "children that a program starts": HostileCell(
        "import subprocess\nsubprocess.Popen(['sh', '-c', 'trap \"\" HUP TERM; sleep 30; echo late'])"
    ),
    "an end that does not end": HostileCell(
        "import atexit, time\natexit.register(time.sleep, 60)\natexit.register(lambda: 1 / 0)"
    ),
    "a kernel that is told to end": HostileCell(
        "get_ipython().kernel.do_shutdown(False)\nimport IPython\nIPython.Application.instance().exit(0)",
        DIED,
    ),
}
ERRORS = {
    "an error without a text": HostileCell(
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError('no text')\n"
        "    __repr__ = __str__\n"
        "raise Odd",
        FAILED,
    ),
    "an error with an odd name": HostileCell(
        "raise type('\\u202e\\x1b[2J\\x00' + 'n' * 9999, (BaseException,), {})('\\ud800' * 99 + '\\x07')",
        FAILED,
        quick=True,
    ),
    "an error named as one of ours": HostileCell("raise type('KernelDied', (Exception,), {})('no')", FAILED),
    "a long traceback": HostileCell("def f(n):\n    return f(n + 1)\nf(0)", FAILED),
    "a traceback of megabytes": HostileCell("raise ValueError('z' * 20_000_000)", FAILED),
    "an interruption": HostileCell("raise KeyboardInterrupt", "interrupted"),
    "a SystemExit with an object": HostileCell("raise SystemExit({'a': object()})", FAILED),
    "a group of errors": HostileCell(
        "raise ExceptionGroup('g', [ValueError(n) for n in range(999)])", FAILED
    ),
    "no Python at all": HostileCell("\x00\u202e def (", FAILED),
    "a loop that runs already": HostileCell(
        "import asyncio\nasyncio.get_event_loop().call_later(0.01, lambda: 1 / 0)\n"
        "asyncio.ensure_future(asyncio.sleep(99))\nawait asyncio.sleep(0.1)\nasyncio.run(asyncio.sleep(0))",
        FAILED,
    ),
    "a loop that is stopped": HostileCell(
        "import asyncio, time\nasyncio.get_event_loop().call_soon(asyncio.get_event_loop().stop)", DIED
    ),
}
SURROUNDINGS = {
    "magics": HostileCell(
        "get_ipython().run_cell_magic('bash', '', 'echo from bash; echo to stderr >&2')\n"
        "get_ipython().run_cell_magic('html', '', '<script>1</script><b>bold</b>')\n"
        "get_ipython().run_cell_magic('javascript', '', 'document.title = 1')",
        shown="from bash",
    ),
    "a magic that fails": HostileCell("%%bash\necho before\nexit 3", FAILED, shown="before"),
    "a reset": HostileCell("%reset -f"),
    "names that are replaced": HostileCell(
        "import builtins\nrun = xa = display = None\nbuiltins.open = builtins.input = None",
    ),
    "no import": HostileCell("import builtins\nbuiltins.__import__ = lambda *_, **__: 1 / 0", TIMED_OUT),
    "another folder and umask": HostileCell(
        "import os, tempfile\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\n"
        "os.rmdir(folder)\nos.umask(0o777)"
    ),
    "no bytes may be written": HostileCell(
        "import resource, signal\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\nprint('limited')",
        shown="limited",
    ),
    "no file may be opened": HostileCell(
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\nprint('limited')",
        shown="limited",
    ),
    "the run's folder is removed": HostileCell(
        "import os, shutil\nshutil.rmtree(os.environ['XACCT_RUN_FOLDER'])", FAILED, quick=True
    ),
    "the run's folder becomes a file": HostileCell(
        "import os, shutil\nfolder = os.environ['XACCT_RUN_FOLDER']\nshutil.rmtree(folder)\n"
        "open(folder, 'w').close()",
        FAILED,
    ),
    "all records are removed": HostileCell(
        "import os, shutil, pathlib\n"
        "shutil.rmtree(pathlib.Path(os.environ['XACCT_RUN_FOLDER']).parent.parent)",
        FAILED,
    ),
    "the run's folder is locked away": HostileCell("import os\nos.chmod(os.environ['XACCT_RUN_FOLDER'], 0)"),
    "evidence that is none": HostileCell(
        "import os, pathlib\nfolder = pathlib.Path(os.environ['XACCT_RUN_FOLDER'])\n"
        "lines = [b'{\\xff', b'[]', b'{\"kind\": 1}', b'{\"kind\": \"plan\", \"value\": 7}',\n"
        '         b\'{"kind": "status", "value": [1]}\', b\'{"kind": "error", "value": 3}\', b\'\']\n'
        "(folder / 'evidence.jsonl').write_bytes(b'\\n'.join(lines))",
        FAILED,
        quick=True,
    ),
    "evidence that no record can hold": HostileCell(
        "import json, os, pathlib\nfolder = pathlib.Path(os.environ['XACCT_RUN_FOLDER'])\n"
        "with (folder / 'evidence.jsonl').open('a') as file:\n"
        "    for kind in ('plan', 'journal', 'entry', 'state', 'status', 'error', 'proof'):\n"
        "        file.write(json.dumps({'kind': kind, 'value': {'a': [1]}}) + '\\n')",
        FAILED,
    ),
    "a status that is none": HostileCell(
        "import os, pathlib\nfolder = pathlib.Path(os.environ['XACCT_RUN_FOLDER'])\n"
        "with (folder / 'evidence.jsonl').open('a') as file:\n"
        '    file.write(\'{"kind": "status", "value": "proven"}\\n\')',
        FAILED,
        quick=True,
    ),
    "evidence that is a folder": HostileCell(
        "import os, pathlib\npathlib.Path(os.environ['XACCT_RUN_FOLDER'], 'evidence.jsonl').mkdir()", FAILED
    ),
    "a draft that is a folder": HostileCell(
        "import os, pathlib\npath = pathlib.Path(os.environ['XACCT_RUN_FOLDER'], 'run.ipynb')\n"
        "path.unlink()\npath.mkdir()\n(path / 'x').touch()"
    ),
}
HOSTILE_CELLS = {
    **WIDGETS,
    **COMMS,
    **DISPLAYS,
    **STREAMS,
    **EXITS,
    **ERRORS,
    **SURROUNDINGS,
}
