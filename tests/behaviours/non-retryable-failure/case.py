"""Failures of Python activities that will not go away reach the code whole."""

from everturn import ApplicationError, activity

from harness import World, behaviour, called, equal

attempts: list[str] = []


@activity
async def charge(card: str) -> None:
    attempts.append(card)
    if card == "unknown":
        raise LookupError("no such card")
    try:
        raise ConnectionError("declined by the bank")
    except ConnectionError as error:
        raise ApplicationError(
            "no money", type="CardDeclined", non_retryable=True, details={"card": card}
        ) from error


@behaviour(activities=[charge])
async def case(world: World) -> None:
    failure = (await called(world.client, "charge", input="expired"))["failure"]
    equal((failure["type"], failure["message"]), ("CardDeclined", "no money"))
    equal((failure["details"], failure["nonRetryable"]), ({"card": "expired"}, True))
    equal(failure["cause"]["message"], "declined by the bank")

    options = {"retry": {"nonRetryableTypes": ["LookupError"]}}
    failure = (await called(world.client, "charge", input="unknown", options=options))["failure"]
    equal(failure["type"], "LookupError")
    equal(attempts, ["expired", "unknown"])
