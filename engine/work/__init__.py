"""What workers do: jobs that fell due, batches, retries, external tasks, changes of agencies."""
