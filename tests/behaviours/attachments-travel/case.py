"""Files go with messages of a client and a person, to an adapter in Python."""

from collections.abc import Sequence

from everturn import Attachment, Delivery, DeliveryStatus, Team, delivery

from harness import World, behaviour, equal, messages
from harness.deliveries import delivery_becomes, write

sent: list[Sequence[Attachment]] = []


@delivery(channel="sms")
async def send_sms(it: Delivery) -> None:
    sent.append(it.message.attachments)


@behaviour(deliveries=[send_sms])
async def case(world: World) -> None:
    conversations = world.client.conversations
    await write(world.client, "Hi")
    await delivery_becomes(world.client, 2, DeliveryStatus.ACCEPTED)
    picture = Attachment("s3://front.png", "image/png", "front.png", 70_000, bytes(32))
    await conversations.hand_off("jo", Team("desk"))
    await conversations.submit_message("jo", channel="sms", attachments=[picture, picture])
    equal((await messages(world.client, "jo"))[-1].attachments, (picture, picture))

    label = Attachment("s3://label.pdf")
    answer = await conversations.send_human_message(
        "jo", "Here you are", author_name="Kim", attachments=[label]
    )
    await delivery_becomes(world.client, answer.message_sequence, DeliveryStatus.ACCEPTED)
    equal(sent, [(), (label,)])
