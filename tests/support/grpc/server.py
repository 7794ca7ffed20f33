"""A gRPC server on the C core without generated code: messages are bytes, and methods do what tests need.

Prints "port N" and then a line for each call that was cancelled. Ends when its standard input does.

Usage: server.py [KEY CERT CA], the names of files, to speak TLS with clients that show a certificate of that authority
"""

import sys
import threading
from concurrent import futures

import grpc

MAX_BYTES = 64 * 1024 * 1024


def status_code(number):
    return next(code for code in grpc.StatusCode if code.value[0] == number)


def metadata_of(context):
    """What the client sent, in a form that can be answered with."""
    fields = []
    for key, value in context.invocation_metadata():
        if key.startswith("x-") and not key.startswith("x-forwarded"):
            fields.append((key, value))
    return fields


def prepare(context):
    fields = metadata_of(context)
    context.send_initial_metadata([("x-initial", "yes")] + [("i" + key, value) for key, value in fields])
    context.set_trailing_metadata([("x-trailing", "yes")] + [("t" + key, value) for key, value in fields])


def echo(request, context):
    prepare(context)
    return request


def status(request, context):
    """Request "CODE:message" ends with that status and details."""
    number, _, text = request.decode("utf-8").partition(":")
    context.set_trailing_metadata([("grpc-status-details-bin", b"\x08\x05\x12\x01" + number.encode()), ("x-t", "1")])
    context.abort(status_code(int(number)), text)


def big(request, context):
    return b"b" * int(request)


def compressed(request, context):
    context.set_compression(grpc.Compression.Gzip)
    return request * 1000


def remaining(request, context):
    left = context.time_remaining()
    return b"none" if left is None or left > 1e8 else str(round(left)).encode()


def wait(request, context):
    done = threading.Event()
    context.add_callback(done.set)
    done.wait(20)
    print("cancelled " + request.decode(), flush=True)
    return b""


def stream(request, context):
    """Request "count size code": so many messages, then that status."""
    count, size, code = (int(part) for part in request.split())
    prepare(context)
    for number in range(count):
        yield bytes([number % 256]) * size
    if code:
        context.abort(status_code(code), "after %d" % count)


def nothing(request, context):
    """Initial metadata, no message, a status."""
    prepare(context)
    if request != b"0":
        context.abort(status_code(int(request)), "nothing")
    return
    yield


def forever(request, context):
    done = threading.Event()
    context.add_callback(done.set)
    yield b"first"
    done.wait(20)
    print("cancelled " + request.decode(), flush=True)


def gather(requests, context):
    prepare(context)
    sizes = [len(request) for request in requests]
    return ("%d messages, %d bytes" % (len(sizes), sum(sizes))).encode()


def early(requests, context):
    """Answers after the first message, while the client still sends."""
    first = next(requests)
    context.abort(grpc.StatusCode.ALREADY_EXISTS, "first was " + first.decode())


def chat(requests, context):
    prepare(context)
    for request in requests:
        if request == b"fail":
            context.abort(grpc.StatusCode.DATA_LOSS, "as asked")
        yield request + b"!"


UNARY = {"Echo": echo, "Status": status, "Big": big, "Compressed": compressed, "Remaining": remaining, "Wait": wait}
OUT = {"Stream": stream, "Nothing": nothing, "Forever": forever}
IN = {"Gather": gather, "Early": early}
BOTH = {"Chat": chat}


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        service, _, name = details.method.lstrip("/").partition("/")
        if service != "test.Peer":
            return None
        if name in UNARY:
            return grpc.unary_unary_rpc_method_handler(UNARY[name])
        if name in OUT:
            return grpc.unary_stream_rpc_method_handler(OUT[name])
        if name in IN:
            return grpc.stream_unary_rpc_method_handler(IN[name])
        if name in BOTH:
            return grpc.stream_stream_rpc_method_handler(BOTH[name])
        return None


def main():
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=64),
        options=[("grpc.max_receive_message_length", MAX_BYTES), ("grpc.max_send_message_length", MAX_BYTES)],
    )
    server.add_generic_rpc_handlers((Handler(),))
    if len(sys.argv) > 1:
        key, cert, authority = (open(name, "rb").read() for name in sys.argv[1:4])
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, cert)], authority, True))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print("port %d" % port, flush=True)
    sys.stdin.read()
    server.stop(0)


main()
