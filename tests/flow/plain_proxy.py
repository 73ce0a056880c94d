"""A Kafka endpoint without transactions, as some hosted services are: passes everything on to a real broker, but
answers FindCoordinator for a transactional id itself. Event Hubs (Standard) refuses it with an error
(github.com/camunda-community-hub/zeebe-kafka-exporter/issues/390); earlier it closed the connection
(github.com/Azure/azure-event-hubs-for-kafka/issues/209)."""
import socket
import struct
import threading

FIND_COORDINATOR, TRANSACTION, INVALID_REQUEST = 10, 1, 42
WHY = b"FindCoordinator for type code 1 is not supported"


def receive(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def frame_from(s):
    return receive(s, struct.unpack(">i", receive(s, 4))[0])


def is_for_transactions(frame):
    api, version, _, client = struct.unpack(">hhih", frame[:10])
    if api != FIND_COORDINATOR or version < 1:
        return False
    assert version <= 2, "later versions have another form"
    key = 10 + max(client, 0)
    (length,) = struct.unpack(">h", frame[key:key + 2])
    return frame[key + 2 + length] == TRANSACTION


def refusal(frame):
    body = frame[4:8] + struct.pack(">ih", 0, INVALID_REQUEST) + struct.pack(">h", len(WHY)) + WHY
    body += struct.pack(">ihi", -1, 0, -1)
    return struct.pack(">i", len(body)) + body


def place(address, port=None):
    """Host and port as answers carry them."""
    host, own = address.split(":")
    return host.encode() + struct.pack(">i", port or int(own))


class PlainProxy:
    """In front of the broker at `address`. Its answers name the proxy in place of the broker."""

    def __init__(self, address, closes=False):
        self.address, self.closes, self.asked = address, closes, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                host, port = self.address.split(":")
                far = socket.create_connection((host, int(port)))
            except OSError:
                return
            threading.Thread(target=self.requests, args=(near, far), daemon=True).start()
            threading.Thread(target=self.answers, args=(near, far), daemon=True).start()

    def requests(self, near, far):
        try:
            while True:
                frame = frame_from(near)
                if not is_for_transactions(frame):
                    far.sendall(struct.pack(">i", len(frame)) + frame)
                    continue
                self.asked += 1
                if self.closes:
                    raise OSError("closed on purpose")
                near.sendall(refusal(frame))
        except OSError:
            self.end(near, far)

    def answers(self, near, far):
        try:
            while True:
                frame = frame_from(far).replace(place(self.address), place(self.address, self.port))
                near.sendall(struct.pack(">i", len(frame)) + frame)
        except OSError:
            self.end(near, far)

    @staticmethod
    def end(*sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
