"""A child ends with the program that started it, even where that was killed: it holds a pipe's end."""

import multiprocessing
import os
import signal
import threading


def follow_parent(descriptor: int) -> None:
    """Ask this process to stop when the other end of the pipe is closed."""

    def wait() -> None:
        os.read(descriptor, 1)  # nothing is ever written: this returns when the parent is gone
        os.kill(os.getpid(), signal.SIGTERM)

    os.set_inheritable(descriptor, False)
    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def follow_spawner() -> None:
    """The same for one of several server processes: it ends with the process that spawned it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
