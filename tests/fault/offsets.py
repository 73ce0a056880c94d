"""The group's commits, read straight from the broker."""
import socket
import struct
import time

from offsets_map import parse


class Answer:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        value, = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return value

    def text(self):
        length = max(self.number("h"), 0)
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def array(self):
        return range(self.number("i"))


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def received(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        if not more:
            raise ConnectionError("the broker closed the connection")
        data += more
    return data


def fetch(scene, partitions):
    """OffsetFetch version 1 of Kafka's protocol: the Python client reads metadata beyond its end."""
    body = (struct.pack(">hhi", 9, 1, 1) + text("fault") + text(scene.group) + struct.pack(">i", 1) +
            text(scene.alerts_topic) + struct.pack(f">i{partitions}i", partitions, *range(partitions)))
    host, port = scene.bootstrap.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = Answer(received(connection, struct.unpack(">i", received(connection, 4))[0]))
    answer.number("i")
    result, errors = [], set()
    for _ in answer.array():
        answer.text()
        for _ in answer.array():
            result.append((answer.number("i"), answer.number("q"), answer.text()))
            errors.add(answer.number("h"))
    return result, errors - {0}


def read(scene, partitions):
    """partition -> (offset, offsets in the map), and complaints about what cannot be read."""
    end = time.monotonic() + 60
    while True:
        try:
            got, errors = fetch(scene, partitions)
        except OSError as e:
            got, errors = [], {str(e)}
        if not errors:
            break
        if time.monotonic() > end:
            raise AssertionError(f"the group's commits cannot be read: {errors}")
        time.sleep(0.2)  # the coordinator is loading or the broker is on its way up
    commits, complaints = {}, []
    for partition, offset, metadata in got:
        if offset < 0:
            continue
        try:
            commits[partition] = offset, parse(offset, metadata)
        except (ValueError, KeyError) as e:
            complaints.append(f"commit of partition {partition} at {offset}: {e}")
            commits[partition] = offset, set()
    return commits, complaints
