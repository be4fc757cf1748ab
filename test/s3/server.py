"""
A moto server for the tests, on a free port that it prints.

Two things differ from `moto_server`: requests run one at a time, because moto looks at a condition
and then writes without a lock, where S3 does both at once; and its clock is ahead by the
milliseconds that the file of the first argument holds, so that tests can let time pass.
It ends when its standard input does: no test leaves it behind.
"""

import datetime
import logging
import os
import sys
import threading
from pathlib import Path

import moto.s3.models
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

ahead = Path(sys.argv[1])
one_at_a_time = threading.Lock()


def utcnow() -> datetime.datetime:
    shift = datetime.timedelta(milliseconds=float(ahead.read_text() or 0))
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + shift


def application(environ, start_response):
    with one_at_a_time:
        return list(dispatcher(environ, start_response))


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
moto.s3.models.utcnow = utcnow
dispatcher = DomainDispatcherApplication(create_backend_app)
server = make_server(
    "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
)
os.environ["MOTO_PORT"] = str(server.port)
threading.Thread(target=end_with_input, daemon=True).start()
print(server.port, flush=True)
server.serve_forever()
