"""One conversation over two channels: both adapters are in Python."""

from everturn import Delivery, delivery

from harness import World, behaviour, equal, until

sent: list[str] = []


@delivery(channel="email")
async def send_email(it: Delivery) -> None:
    sent.append(f"email to {it.address}: {it.message.text}")


@delivery(channel="sms")
def send_sms(it: Delivery) -> None:
    sent.append(f"sms to {it.address}: {it.message.text}")


@behaviour(deliveries=[send_email, send_sms])
async def case(world: World) -> None:
    conversations = world.client.conversations
    for count, (channel, address) in enumerate([("email", "jo@example.org"), ("sms", "+4917")], 1):
        await conversations.submit_message(
            "jo", channel, channel=channel, conversation_type="echo", customer_address=address
        )

        async def are_sent(count: int = count) -> bool:
            return len(sent) == count

        await until("it is sent", are_sent)
    equal(sent, ["email to jo@example.org: You said: email", "sms to +4917: You said: sms"])
    equal((await conversations.get("jo")).reply_channel, "sms")
