"""Makes a table of calls of the server beside it, and prints what came of each: a line of JSON for each call.

Usage: client.py HOST:PORT
"""

import hashlib
import json
import sys
import threading
import time

import grpc

MAX_BYTES = 64 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.max_send_message_length", MAX_BYTES),
    ("grpc.max_metadata_size", 64 * 1024),
]
METADATA = (("x-one", "1"), ("x-two", "a"), ("x-two", "b"), ("x-raw-bin", bytes(range(256))), ("project-id", "acme"))


def shown(value):
    if isinstance(value, bytes):
        return value.decode("latin-1") if len(value) <= 300 else hashlib.sha256(value).hexdigest()
    return value


def metadata(fields):
    """All but what the relay adds."""
    return [[key, shown(value)] for key, value in fields or () if not key.startswith("lava-")]


def outcome(call, messages):
    """What a client sees of a call that is over."""
    return {
        "messages": [shown(message) for message in messages],
        "code": call.code().name,
        "details": call.details(),
        "initial": metadata(call.initial_metadata()),
        "trailing": metadata(call.trailing_metadata()),
    }


def unary(channel, method, request, **kwargs):
    try:
        response, call = channel.unary_unary("/test.Peer/" + method).with_call(request, **kwargs)
        return outcome(call, [response])
    except grpc.RpcError as error:
        return outcome(error, [])


def streamed(call, after_first=None):
    messages = []
    try:
        for message in call:
            messages.append(message)
            if after_first and len(messages) == 1:
                after_first(call)
    except grpc.RpcError:
        pass
    return outcome(call, messages)


def client_stream(channel, method, requests, **kwargs):
    try:
        response, call = channel.stream_unary("/test.Peer/" + method).with_call(iter(requests), **kwargs)
        return outcome(call, [response])
    except grpc.RpcError as error:
        return outcome(error, [])


def endless(first):
    yield first
    while True:
        time.sleep(0.02)
        yield b"more"


def talk(channel):
    """Each message is sent when the answer to the one before has come."""
    turn = threading.Semaphore(1)
    sent = [b"a", b"b", b"", b"c" * 100_000]

    def requests():
        for request in sent:
            turn.acquire(timeout=10)
            yield request

    call = channel.stream_stream("/test.Peer/Chat")(requests(), metadata=METADATA, timeout=20)
    messages = []
    for message in call:
        messages.append(message)
        turn.release()
    return outcome(call, messages)


def table(channel):
    yield "echo", unary(channel, "Echo", b"hello", metadata=METADATA)
    yield "empty message", unary(channel, "Echo", b"")
    for code in range(1, 17):
        yield "status %d" % code, unary(channel, "Status", ("%d:text %d" % (code, code)).encode())
    yield "status text", unary(channel, "Status", "9:€ 100% ümläut\n".encode("utf-8"))
    yield "unknown method", unary(channel, "What", b"")
    yield "large metadata", unary(channel, "Echo", b"", metadata=(("x-large", "v" * 6000),))
    yield "40 MiB there and back", unary(channel, "Echo", b"e" * (40 << 20))
    yield "40 MiB back", unary(channel, "Big", str(40 << 20).encode())
    yield "answer is compressed", unary(channel, "Compressed", b"0123456789")
    yield "request is gzip", unary(channel, "Echo", b"z" * 10_000, compression=grpc.Compression.Gzip)
    yield "request is deflate", unary(channel, "Echo", b"z" * 10_000, compression=grpc.Compression.Deflate)
    yield "deadline travels", unary(channel, "Remaining", b"", timeout=30)
    yield "no deadline", unary(channel, "Remaining", b"")
    yield "deadline is over", unary(channel, "Wait", b"deadline", timeout=0.3)
    stream = channel.unary_stream("/test.Peer/Stream")
    yield "stream", streamed(stream(b"100 1000 0", metadata=METADATA))
    yield "stream of large messages", streamed(stream(b"8 1000000 0"))
    yield "stream that fails", streamed(stream(b"50 10 15"))
    yield "stream that fails at once", streamed(stream(b"0 0 7"))
    nothing = channel.unary_stream("/test.Peer/Nothing")
    yield "no message, OK", streamed(nothing(b"0", metadata=METADATA))
    yield "no message, error", streamed(nothing(b"5"))
    yield "cancelled stream", streamed(channel.unary_stream("/test.Peer/Forever")(b"cancel"), lambda c: c.cancel())
    yield "stream with a deadline", streamed(channel.unary_stream("/test.Peer/Forever")(b"late", timeout=0.3))
    yield "client stream", client_stream(channel, "Gather", [b"x" * n for n in range(200)], metadata=METADATA)
    yield "client stream of nothing", client_stream(channel, "Gather", [])
    yield "client stream of large messages", client_stream(channel, "Gather", [b"x" * 1_000_000] * 10)
    yield "answer before the end", client_stream(channel, "Early", endless(b"one"))
    yield "talk in turns", talk(channel)
    chat = channel.stream_stream("/test.Peer/Chat")
    yield "talk at once", streamed(chat(iter([b"m%d" % n for n in range(500)])))
    yield "talk that fails", streamed(chat(iter([b"a", b"fail", b"b"])))
    many = [channel.unary_unary("/test.Peer/Echo").future(b"%d" % n) for n in range(1000)]
    yield "1,000 at once", {"right": sum(call.result() == b"%d" % n for n, call in enumerate(many))}


def main():
    with grpc.insecure_channel(sys.argv[1], options=OPTIONS) as channel:
        for name, result in table(channel):
            print(json.dumps([name, result]), flush=True)


main()
