"""The time of day in this process is `CLOCK_OFF_S` seconds off; its timers run as ever.

Read by Python at its start where this folder is on its path. Not a preloaded library, which would shift the deadlines
of semaphores too but not the kernel that waits for them: on a host whose clock is off those two agree.
"""

import datetime
import os
import time
from typing import Any

OFF_S = int(os.environ["CLOCK_OFF_S"])

_time, _time_ns, _gmtime, _localtime = time.time, time.time_ns, time.gmtime, time.localtime
_datetime = datetime.datetime


class _Datetimes(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _datetime)


class _Datetime(_datetime, metaclass=_Datetimes):
    """Makes the real thing, whichever way it is asked to."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _datetime(*args, **kwargs)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _datetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return _datetime.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


time.time = lambda: _time() + OFF_S
time.time_ns = lambda: _time_ns() + OFF_S * 10**9
time.gmtime = lambda seconds=None: _gmtime(time.time() if seconds is None else seconds)
time.localtime = lambda seconds=None: _localtime(time.time() if seconds is None else seconds)
datetime.datetime = _Datetime  # type: ignore[misc]
