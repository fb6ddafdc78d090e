"""A closed-loop load generator in one thread: every user waits for the answer, then thinks."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from load_tests import LoadTest

OK = "ok"
CLIENT_TIMEOUT = "client_timeout"
LOST = "connection_lost"
# What the site's 500 names, and what it is called in the figures.
FAILURES = {
    "PoolTimeout": "pool_timeout",
    "LockNotAvailable": "lock_timeout",
    "QueryCanceled": "statement_timeout",
}


@dataclass(frozen=True)
class Answer:
    """One finished request; `start_s` counts from the start of the test."""

    task: str
    start_s: float
    time_s: float
    connect_s: float  # 0 on a connection that was kept
    outcome: str
    worker: str  # the process that answered, where the answer names it

    @property
    def end_s(self) -> float:
        """When the answer was complete, from the start of the test."""
        return self.start_s + self.time_s


class Connection:
    """One user's connection: opened when needed, kept for as long as the server allows."""

    def __init__(self, port: int) -> None:
        """Remember where the server is; nothing is opened yet."""
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.connect_s = 0.0

    async def get(self, address: str) -> tuple[int, str]:
        """Make one request and return status and body.

        Raises:
            OSError: the server did not accept, or reset the connection.
            EOFError: it closed the connection without a whole answer.
        """
        reader, writer = await self._open()
        writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return int(lines[0].split()[1]), body.decode()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # A connection that the server has closed meanwhile is replaced, as HTTP clients do.
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        self.connect_s = 0.0
        if self._streams is None:
            begin_s = time.monotonic()
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            finally:
                self.connect_s = time.monotonic() - begin_s
        return self._streams

    def close(self) -> None:
        """Close this end at once; the next request opens a new connection."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class Crowd:
    """All users of one load test, and every answer they got."""

    def __init__(self, test: LoadTest, port: int, seed: int) -> None:
        """Prepare the users of a test against a port."""
        self._test = test
        self._port = port
        self._seed = seed
        self._begin_s = 0.0
        self.answers: list[Answer] = []

    async def run(self) -> list[Answer]:
        """Run the test; requests in flight at its end are dropped."""
        self._begin_s = time.monotonic()
        users = [asyncio.create_task(self._live(number)) for number in range(self._test.users)]
        await asyncio.sleep(self._test.duration_s)
        for user in users:
            user.cancel()
        await asyncio.gather(*users)
        return self.answers

    async def _live(self, number: int) -> None:
        chance = Random(f"{self._seed} {number}")
        names = list(self._test.tasks)
        weights = [task.weight for task in self._test.tasks.values()]
        connection = Connection(self._port)
        rate = self._test.spawn_rate or self._test.users
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(number // rate)
            while True:
                (name,) = chance.choices(names, weights)
                address = self._test.tasks[name].address(chance)
                self.answers.append(await self._request(connection, name, address))
                await asyncio.sleep(self._test.think_s.draw(chance))
        connection.close()

    async def _request(self, connection: Connection, name: str, address: str) -> Answer:
        start_s, worker = time.monotonic(), ""
        try:
            async with asyncio.timeout(self._test.client_timeout_s):
                status, body = await connection.get(address)
            outcome, worker = outcome_of(status, body)
        except TimeoutError:
            outcome = CLIENT_TIMEOUT
        except (OSError, EOFError):
            outcome = LOST
        time_s = time.monotonic() - start_s
        if outcome in {CLIENT_TIMEOUT, LOST}:
            connection.close()
        since_s = start_s - self._begin_s
        return Answer(name, since_s, time_s, connection.connect_s, outcome, worker)


def outcome_of(status: int, body: str) -> tuple[str, str]:
    """Name how a request ended, and the worker process if the body is the site's own."""
    word, _, worker = body.partition(" ")
    if status == 200:
        return OK, worker
    if word in FAILURES:
        return FAILURES[word], worker
    return f"http_{status}", ""


def generate(test: LoadTest, port: int, seed: int = 1) -> list[Answer]:
    """Run one load test against a server on loopback."""
    return asyncio.run(Crowd(test, port, seed).run())
