"""The only code that knows SpiffWorkflow.

    parser    a package's diagrams -> a `Definition`, parsed once and shared by all its cases
    nodes     what each element of a diagram does when a token reaches it
    events    the elements that wait, and those that wake them
    handlers  event subprocesses
    several   activities done several times
    tokens    where a running process stands
    codec     a running process <-> bytes
    transfer  a state in another version; moves: putting tokens by hand; outlook: can it still end?
    machine   (state, step, instant) -> (new state, what follows)
"""
