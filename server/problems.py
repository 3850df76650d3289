"""From named exceptions to RFC 9457 bodies: the one table between errors and HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from config.vocabulary import Text
from processes.spec import FunctionNotGranted, InvalidBody, NoSuchProcess
from providers.errors import (
    BadParameter,
    LoadRejected,
    NotFound,
    OutlastedWait,
    StoreTimeout,
    StoreUnavailable,
)
from providers.idempotency import KeyReused
from providers.job_queue import QueueFull
from providers.jobs import JobFailed, NoSuchJob, ResultNotReady, TooManyJobs
from providers.store_disk import StorageFull
from providers.uploads import QuotaReached

MEDIA_TYPE = "application/problem+json"
AFTER_S = 5  # that who is refused is told to wait, where nothing better is known


@dataclass(frozen=True, slots=True)
class Kind:
    """How one class of errors is told: status, code, title, the type's URI."""

    status: HTTPStatus
    code: str
    title: Text
    uri: str | None = None  # None: /problems/{code}


class Unauthenticated(Exception):
    """The key or session is not one in force."""


class NotAcceptable(Exception):
    """None of the asked-for media types can be given."""


class BodyTooLarge(Exception):
    """A request body is larger than its route takes."""


class UnsupportedMediaType(Exception):
    """A request body is of a kind that its route does not read."""


class Overloaded(Exception):
    """More requests are under way than this process takes; there is room again *after_s* seconds."""

    def __init__(self, told: str, *, after_s: int = AFTER_S) -> None:
        super().__init__(told)
        self.after_s = after_s


OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
BAD_PARAMETER = Kind(
    HTTPStatus.BAD_REQUEST,
    "InvalidParameterValue",
    Text(zh="参数值无效", en="Invalid parameter value"),
)
INVALID_BODY = Kind(HTTPStatus.BAD_REQUEST, "InvalidBody", Text(zh="请求体无效", en="Invalid body"))
NOT_FOUND = Kind(HTTPStatus.NOT_FOUND, "NotFound", Text(zh="未找到", en="Not found"))
NOT_ALLOWED = Kind(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "MethodNotAllowed",
    Text(zh="方法不被允许", en="Method not allowed"),
)
INTERNAL = Kind(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "NoApplicableCode",
    Text(zh="服务器内部错误", en="Internal error"),
)
BUSY = Text(zh="服务繁忙", en="Overloaded")
KINDS: dict[type[Exception], Kind] = {
    BadParameter: BAD_PARAMETER,
    NotFound: NOT_FOUND,
    Unauthenticated: Kind(
        HTTPStatus.UNAUTHORIZED, "Unauthenticated", Text(zh="未认证", en="Unauthenticated")
    ),
    NotAcceptable: Kind(
        HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable", Text(zh="无法提供所需格式", en="Not acceptable")
    ),
    BodyTooLarge: Kind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "BodyTooLarge",
        Text(zh="请求体过大", en="Body too large"),
    ),
    UnsupportedMediaType: Kind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        Text(zh="不支持的媒体类型", en="Unsupported media type"),
    ),
    InvalidBody: INVALID_BODY,
    FunctionNotGranted: Kind(
        HTTPStatus.FORBIDDEN,
        "FunctionNotGranted",
        Text(zh="未授权此功能", en="Function not granted"),
    ),
    NoSuchProcess: Kind(
        HTTPStatus.NOT_FOUND,
        "NoSuchProcess",
        Text(zh="无此处理服务", en="No such process"),
        f"{OGC}no-such-process",
    ),
    NoSuchJob: Kind(
        HTTPStatus.NOT_FOUND,
        "NoSuchJob",
        Text(zh="无此任务", en="No such job"),
        f"{OGC}no-such-job",
    ),
    ResultNotReady: Kind(
        HTTPStatus.NOT_FOUND,
        "ResultNotReady",
        Text(zh="结果尚未生成", en="Result not ready"),
        f"{OGC}result-not-ready",
    ),
    JobFailed: Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR, "JobFailed", Text(zh="任务失败", en="Job failed")
    ),
    TooManyJobs: Kind(
        HTTPStatus.TOO_MANY_REQUESTS, "TooManyJobs", Text(zh="未完成的任务过多", en="Too many jobs")
    ),
    KeyReused: Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "IdempotencyKeyReused",
        Text(zh="幂等键已用于另一请求", en="Idempotency key used before"),
    ),
    OutlastedWait: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "OutlastedWait",
        Text(zh="未能在等待时间内完成", en="Not done within the waiting time"),
    ),
    QuotaReached: Kind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "QuotaReached",
        Text(zh="上传已达限额", en="Upload quota reached"),
    ),
    StorageFull: Kind(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "StorageFull",
        Text(zh="存储空间不足", en="Storage full"),
    ),
    LoadRejected: INVALID_BODY,
    StoreTimeout: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded", BUSY),
    StoreUnavailable: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded", BUSY),
    Overloaded: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded", BUSY),
    QueueFull: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded", BUSY),
    Exception: INTERNAL,
}
# Of a 5xx, what was written for the caller and says nothing of what is behind it.
TOLD = (JobFailed, OutlastedWait, Overloaded, QueueFull, StorageFull)
BY_STATUS = {404: NOT_FOUND, 405: NOT_ALLOWED}


def kind_of(error: Exception) -> Kind:
    """The row of the table for this error."""
    if isinstance(error, HTTPException):  # the router's own: no such route, no such method
        return BY_STATUS.get(error.status_code, INTERNAL)
    return next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)


def problem(
    error: Exception, *, instance: str, request_id: str, lang: str, base_url: str = ""
) -> dict[str, Any]:
    """The RFC 9457 body for *error*. What a 5xx says stays in the log; a job's failure is told."""
    kind = kind_of(error)
    title = kind.title.in_language(lang)
    document: dict[str, Any] = {
        "type": kind.uri or f"{base_url}/problems/{kind.code}",
        "title": title,
        "status": int(kind.status),
        "detail": _detail(error, kind, request_id),
        "instance": instance,
        "code": kind.code,
        "description": title,
    }
    if kind.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        document |= _particulars(error)
    return document


def headers(error: Exception) -> dict[str, str]:
    """The headers that belong to the status."""
    match kind_of(error).status:
        case HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            after_s = error.after_s if isinstance(error, Overloaded) else AFTER_S
            return {"Retry-After": str(after_s)}
        case HTTPStatus.METHOD_NOT_ALLOWED if isinstance(error, HTTPException):
            return dict(error.headers or {})
        case _:
            return {}


def documented() -> Mapping[str, Kind]:
    """Every kind by its code, for /problems/{code}."""
    return {kind.code: kind for kind in (*KINDS.values(), NOT_ALLOWED)}


def _detail(error: Exception, kind: Kind, request_id: str) -> str:
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, TOLD):
        return f"See the log for request {request_id}."
    if isinstance(error, HTTPException):
        return error.detail
    return str(error)


def _particulars(error: Exception) -> dict[str, Any]:
    """Values a page can say in its own words, and where in the request the fault lies."""
    match error:
        case BadParameter():
            params = {"name": error.name, "value": error.value, "expected": error.expected}
            place = {"parameter": error.name, "detail": f"expected {error.expected}"}
            return {"params": params, "errors": [place]}
        case InvalidBody():
            return {"errors": [{"pointer": e.pointer, "detail": e.message} for e in error.errors]}
        case NoSuchProcess():
            return {"params": {"process": error.process}}
        case FunctionNotGranted():
            return {"params": {"function": error.function}}
        case NoSuchJob() | ResultNotReady():
            return {"params": {"job": error.job}}
        case TooManyJobs():
            return {"params": {"process": error.process, "limit": error.limit}}
        case QuotaReached():
            return {"params": {"what": error.what, "limit": error.limit}}
        case NotFound():
            return {"params": {"what": error.what, "name": error.name}}
        case _:
            return {}
