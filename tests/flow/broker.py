"""A broker of a test's own, which may be stopped, killed, paused and have rights taken away."""
import contextlib
import subprocess
import tempfile
from pathlib import Path

from harness import SOURCE

SCRIPT = SOURCE / "tests" / "kafka" / "kafka"
WITH_RIGHTS = ("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
               "allow.everyone.if.no.acl.found=true")


class Broker:
    def __init__(self, folder, *settings):
        self.folder = folder
        self.address = self.do("start", *settings).split()[-1]

    def do(self, command, *more):
        return subprocess.run([str(SCRIPT), command, self.folder, *more], stdout=subprocess.PIPE, check=True, text=True,
                              timeout=90).stdout


@contextlib.contextmanager
def broker(*settings):
    with tempfile.TemporaryDirectory(prefix="broker-") as folder:
        b = Broker(folder, *settings)
        try:
            yield b
        finally:
            subprocess.run([str(SCRIPT), "kill", str(Path(folder))], check=False)
