"""Diagrams with one fault each, in what cases tell each other. See `catalogue`."""

from __future__ import annotations

from tests.broken import around, broken

TELLS_STATUS = (
    "extension='<camunda:inputOutput><camunda:inputParameter name=\"status\">x</camunda:inputParameter>"
    "</camunda:inputOutput>'"
)

EXCHANGES = [
    *(
        broken("message-key", what, around(f"{event} key='{key}'", "c"))
        for what, event, key in (
            ("an empty key", "catch c message=x", " "),
            ("a key of a thousand letters", "catch c message=x", "x" * 1000),
            ("a key for what people say to one case", "throw c message=msg_bo_sung", "${number}"),
            ("a case that waits for people under a key", "catch c message=msg_danh_gia", "${number}"),
        )
    ),
    broken("expression", "a key that cannot be read", around("throw c message=x key='${channel +}'", "c")),
    *(
        broken("message-keep", f"a message kept for {kept}", around(f"throw c message=x key=K keep='{kept}'", "c"))
        for kept in ("7 days", "P91D", "-P1D", "R3/P1D")
    ),
    broken("message-start", "a case that begins with what people say to one", "start s message=msg_bo_sung ; user a ; "
           "tell t ; end e ; s -> a -> t -> e"),
    broken(
        "message-input",
        "a message that tells another case its status",
        around(f"throw c message=x key=K {TELLS_STATUS}", "c"),
    ),
    *(
        broken(
            "mapping-ignored",
            f"inputs of a {kind} that stays in its case",
            around(f"and f ; {kind} c message=x {TELLS_STATUS} ; receive r message=x ; and j", "f -> c -> j")
            + " ; f -> r -> j",
        )
        for kind in ("throw", "send")
    ),
    *(
        broken("signal-scope", what, around(f"and f ; throw c signal=x scope={scope} ; catch d signal=x ; and j",
                                            "f -> c -> j") + " ; f -> d -> j")
        for what, scope in (("a signal for the whole country", "country"), ("a signal of two scopes", "province"))
    ),
    broken(
        "message-key",
        "a province's signal with the name of what people say",
        around("throw c signal=msg_danh_gia scope=province", "c"),
    ),
    *(
        broken("property-unknown", f"{name} on {what}", around(f"{event} {name}=P1D", "c"))
        for name, what, event in (
            ("key", "a task", "user c"), ("key", "a timer", "catch c timer=PT1H"), ("scope", "a task", "user c"),
            ("keep", "what waits", "catch c message=x"), ("scope", "a message", "catch c message=x"),
        )
    ),
]
