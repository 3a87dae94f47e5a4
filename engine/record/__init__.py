"""What was done, never to be changed: lines linked by hashes, anchored by day, read by who may."""
