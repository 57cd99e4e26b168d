"""Activities: the decorator, what it knows of a function, and the context."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

from everturn.values._rules import ID_BYTES
from everturn.worker._activity_context import ActivityContext, current_context
from everturn.worker._typing import ShowTyping

F = TypeVar("F", bound=Callable[..., Any])
Executor = Literal["thread", "process"]

_MARK = "__everturn_activity__"


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the decorator notes on a function."""

    name: str
    executor: Executor


@dataclass(frozen=True, slots=True)
class ActivityDefinition:
    """An activity as a worker runs it.

    Attributes:
        name: Name that workflows schedule it by.
        function: The function or bound method.
        is_async: True for a coroutine function.
        executor: Where a function that is not async runs.
        takes_input: True if it has a parameter.
        input_hint: Type of the parameter; ``Any`` without annotation.
        result_hint: Declared type of the result; ``Any`` without annotation.
        is_adapter: True for the delivery adapter of a channel.
        can_change: True for an adapter that can change messages.
        show_typing: What an adapter shows customers by that somebody types.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    executor: Executor
    takes_input: bool
    input_hint: Any
    result_hint: Any = Any
    is_adapter: bool = False
    can_change: bool = False
    show_typing: ShowTyping | None = None


class ActivityDecorator:
    """Marks functions as activities; also gives access to the running one.

    An activity takes no or one argument (the input, converted to its type
    hint) and returns a value. ``async def`` functions run on the worker's event
    loop, other functions in a thread, or in a process with
    ``executor="process"``. The function itself stays as it is and can be called
    in tests.
    """

    @overload
    def __call__(self, function: F, /) -> F: ...

    @overload
    def __call__(
        self, /, *, name: str | None = None, executor: Executor = "thread"
    ) -> Callable[[F], F]: ...

    def __call__(
        self,
        function: F | None = None,
        /,
        *,
        name: str | None = None,
        executor: Executor = "thread",
    ) -> F | Callable[[F], F]:
        """Marks a function.

        Args:
            function: The function, when used without arguments.
            name: Name that workflows schedule it by; at most 256 bytes.
                Default: the function's name.
            executor: ``"process"`` runs it in a process of its own, for code
                that needs a whole CPU. Only for functions of a module that can
                be imported, and not for ``async def``.

        Raises:
            TypeError: The function cannot be an activity.
            ValueError: The name or the executor is not allowed.
        """

        def mark(function: F) -> F:
            chosen = function.__name__ if name is None else name
            if not 1 <= len(chosen.encode()) <= ID_BYTES:
                raise ValueError(f"activity name must have 1 to 256 bytes: {chosen!r}")
            if executor not in ("thread", "process"):
                raise ValueError(f'executor must be "thread" or "process": {executor!r}')
            if executor == "process":
                _check_process_function(function)
            setattr(function, _MARK, _Mark(chosen, executor))
            return function

        return mark if function is None else mark(function)

    def context(self) -> ActivityContext:
        """The context of the activity that is running.

        Raises:
            NoActivityError: No activity is running here.
        """
        return current_context()


activity = ActivityDecorator()


def definition_of(function: Callable[..., Any]) -> ActivityDefinition:
    """What a worker needs to know of a decorated function or bound method.

    Raises:
        TypeError: It is not decorated, or takes more than one argument.
    """
    mark = getattr(function, _MARK, None)
    if not isinstance(mark, _Mark):
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(f"{name} is not an activity: decorate it with @activity")
    first = check_parameters(function)
    hints: dict[str, Any] = {}
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError:
        # Of the result only: it need not be known to be written.
        if first is not None:
            raise
    return ActivityDefinition(
        name=mark.name,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        executor=mark.executor,
        takes_input=first is not None,
        input_hint=hints.get(first, Any) if first is not None else Any,
        result_hint=hints.get("return", Any),
    )


def check_parameters(function: Callable[..., Any]) -> str | None:
    """The name of the one parameter; ``None`` if there is none.

    Raises:
        TypeError: It takes more than one argument.
    """
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    keyword_only = [
        p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is inspect.Parameter.empty
    ]
    if len(required) > 1 or keyword_only:
        name = getattr(function, "__name__", repr(function))
        raise TypeError(f"{name} must take no or one argument (its input)")
    return positional[0].name if positional else None


def _check_process_function(function: Callable[..., Any]) -> None:
    if inspect.iscoroutinefunction(function):
        raise TypeError('executor="process" is for functions that are not async')
    if "." in function.__qualname__:
        raise TypeError('executor="process" needs a function at the top of its module')
