"""Telling subscribers of jobs: tasks of their own, which may fail without any job knowing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from uuid import UUID

import structlog
from procrastinate import App

from config.remote_hosts import RemoteHost
from processes.spec import JSON
from providers.callback_deliveries import CallbackStore, Delivery
from providers.callbacks import QUEUE, TASK
from providers.remote import Resolve, post, resolve_now
from providers.remote_errors import RemoteError
from providers.webhooks import signed_headers

WITHIN_S = 10.0  # a receiver that has more to do than note it answers first
AT_ONCE = 4  # deliveries of one worker: none waits long for a receiver that does not answer

log = structlog.get_logger()


class CallbackTasks:
    """The deliveries of one worker; `register` makes them known to its Procrastinate app."""

    def __init__(
        self,
        store: CallbackStore,
        hosts: Sequence[RemoteHost],
        resolve: Resolve = resolve_now,
    ) -> None:
        self._store, self._hosts, self._resolve = store, hosts, resolve

    def register(self, app: App) -> None:
        """Let *app* run what the queue QUEUE holds."""
        app.task(name=TASK, queue=QUEUE)(self.deliver)

    async def deliver(self, callback: str, attempts: int) -> None:
        """The task: one attempt; the next one is a task of its own."""
        delivery = await self._store.claim(UUID(callback), attempts)
        if delivery is None:
            return
        for_good, problem = False, None
        try:
            status = await asyncio.to_thread(partial(self._sent, delivery))
        except RemoteError as error:
            problem = error.said
        else:
            for_good = status == HTTPStatus.GONE
            if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                problem = f"answered {status}; expected 2xx"
        facts = {"callback": callback, "job": str(delivery.job), "attempt": delivery.attempts}
        if problem is None:
            await self._store.delivered(delivery)
            log.info("callback_delivered", **facts)
            return
        again = await self._store.refused(delivery, problem, for_good=for_good)
        log.warning("callback_refused", problem=problem, again=again, **facts)

    def _sent(self, delivery: Delivery) -> int:
        """The status that the subscriber answers with."""
        name, now = str(delivery.callback), datetime.now(UTC)
        headers = signed_headers(name, now, delivery.content, delivery.secret)
        return post(
            delivery.uri,
            delivery.content,
            {"Content-Type": JSON, **headers},
            allowed=self._hosts,
            within_s=WITHIN_S,
            resolve=self._resolve,
        )
