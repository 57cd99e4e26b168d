"""Who a conversation is handed to."""

from __future__ import annotations

from dataclasses import dataclass

from everturn.v1 import message_pb2


@dataclass(frozen=True, slots=True)
class Person:
    """A person that a conversation is handed to; only they may write.

    Attributes:
        name: Name, as in the author name of their messages.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Team:
    """A team that a conversation is handed to; anybody may write.

    Attributes:
        name: Name of the team.
    """

    name: str


Assignee = Person | Team
"""Who a conversation is handed to."""


def assignee_to_proto(assignee: Assignee) -> message_pb2.Assignee:
    """The assignee as protobuf."""
    match assignee:
        case Person(name):
            return message_pb2.Assignee(person=name)
        case Team(name):
            return message_pb2.Assignee(team=name)


def assignee_from_proto(proto: message_pb2.Assignee) -> Assignee | None:
    """Reads an assignee; ``None`` for a kind that this version does not know."""
    match proto.WhichOneof("kind"):
        case "person":
            return Person(proto.person)
        case "team":
            return Team(proto.team)
        case None:
            return None
