"""Limits that the coordinator enforces and that are checked at the call.

Made from ``proto/rules.json`` by ``cargo xtask rules``.
"""

from __future__ import annotations

PAYLOAD_BYTES = 2_097_152
"""Bytes of one payload or message."""

STATE_BYTES = 262_144
"""Bytes of a conversation's or run's state, keys included."""

PENDING_ACTIVITIES = 2_000
"""Activities that a run may wait for at once. SDKs hold back what is beyond it."""

PENDING_TIMERS = 60_000
"""Timers that a run may wait for at once."""

PENDING_CHILDREN = 1_000
"""Children that a run may wait for at once. SDKs hold back what is beyond it."""

PENDING_SIGNALS = 1_000
"""Signals to other workflows that a run may have under way. SDKs hold back what is beyond it."""

CHILD_DEPTH = 16
"""Levels of child workflows below a root."""

ID_BYTES = 256
"""Bytes of an id, key, name, label or attribute; at least 1 where it is required."""

LABELS = 64
"""Labels of a conversation or run, attributes of a message."""

REASON_BYTES = 1_024
"""Bytes of a reason given for a cancel, terminate or close."""

COMMANDS = 10_000
"""Commands in one completion of a workflow task."""

PENDING_APPROVALS = 100
"""Approvals that a run may wait for at once."""

OUTSIDE_BYTES = 2_048
"""Bytes of what providers and customers name (ids, addresses, attributes); more is cut."""

ATTACHMENTS = 100
"""Attachments of a message."""

URI_BYTES = 8_192
"""Bytes of the URI of an attachment."""

TITLE_BYTES = 1_024
"""Bytes of the title of an approval."""

FAILURE_MESSAGE_BYTES = 16_384
"""Bytes of a failure's text; more is cut."""

FAILURE_STACK_BYTES = 32_768
"""Bytes of a failure's stack trace; more is cut."""

FAILURE_CAUSES = 8
"""Levels of causes of a failure; deeper ones are left out."""

FAILURE_MEMBERS = 32
"""Causes of a failure in all, those of causes included; more are left out."""
