"""`python -m bench` is `./manage bench`."""

from bench.run import main

main()
