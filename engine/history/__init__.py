"""What has been, element by element: paths, stays, heat maps, event logs for process mining."""
