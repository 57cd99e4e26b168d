"""The client: conversations, workflows, approvals."""
