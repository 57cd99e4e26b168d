"""Values: payloads, failures, errors, and what client and worker share."""
