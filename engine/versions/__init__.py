"""Report types as they change: drafts, what differs, approval, deployment, and running cases that move along."""
