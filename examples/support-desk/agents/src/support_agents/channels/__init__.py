"""Channel adapters: how messages of the shop leave by email and as text messages.

An adapter is a plain class: it takes a message and says what the provider did with it. It makes
one attempt; repeating, and remembering what was sent, is the coordinator's job. Chat needs no
adapter: the shop's page follows the conversation (WatchConversation).
"""
