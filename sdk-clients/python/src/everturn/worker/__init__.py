"""The worker: activities, deliveries, its session with the coordinator."""
