"""`./manage chaos`: an office under load, to which everything happens that can happen to one; then the accounts."""
