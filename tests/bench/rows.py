"""What is measured, a row each. Law: a row says all that its load needs, and how consistent what it measures is."""

from dataclasses import dataclass

SEND = "/batos.v1.Dispatcher/Send"
PIPELINE = "/batos.v1.Dispatcher/Pipeline"

SERIALIZABLE = "serializable, durable before the reply"
PREFIX = "consistent prefix, from memory"
LINEARIZABLE = "linearizable, durable before the answer"


@dataclass(frozen=True, slots=True)
class Row:
    """One load on one subject: its road, what is sent to how many objects, and how many at once."""

    name: str
    subject: str
    road: str
    what: str
    consistency: str
    in_flight: int = 64
    objects: int = 64
    selector: str = "increment"
    stamped: bool = False
    generators: int = 1
    connections: int = 1
    """Of each generator; what is in flight is divided among them."""
    through: str = ""
    """Which of several dispatchers the load goes through: the hot object's `owner`, `another`, or `all`."""
    long: bool = False
    """Whether `bench-quick` leaves it out."""


def _of_three(name: str, road: str, through: str, what: str) -> Row:
    """A hot object in a cluster of three dispatchers, on three connections whichever way it is reached."""
    return Row(
        name,
        "cluster",
        road,
        f"three dispatchers: {what}",
        SERIALIZABLE,
        objects=1,
        connections=3,
        through=through,
        long=True,
    )


# In the order in which they are measured: what is compared stands side by side.
ROWS = (
    Row("echo-unary", "echo", "unary", "E: bare unary echo", "none"),
    Row("read-unary", "batos", "unary", "read-only send, unary", PREFIX, selector="read"),
    Row("durable-unary-64", "batos", "unary", "durable send, 64 objects, unary", SERIALIZABLE),
    Row("traced-unary-64", "traced", "unary", "durable send, 64 objects, unary, 1 % traced", SERIALIZABLE),
    Row("hot-unary", "batos", "unary", "one hot object, unary", SERIALIZABLE, objects=1),
    Row(
        "durable-unary-64-ids",
        "batos",
        "unary",
        "the same, each with a request id",
        SERIALIZABLE + ", exactly once",
        stamped=True,
        long=True,
    ),
    Row(
        "restate-64",
        "restate",
        "http",
        "Restate, virtual objects, TypeScript SDK, 64 keys",
        "linearizable by key, in its log before the answer",
        long=True,
    ),
    Row(
        "temporal-64",
        "temporal",
        "unary",
        "Temporal, entity workflows that take updates, 64 workflows, a file",
        "linearizable by workflow, in its file before the answer",
        long=True,
    ),
    Row("echo-unary-1", "echo", "unary", "bare unary echo, 1 in flight", "none", in_flight=1),
    Row("etcd-cas-1", "etcd", "cas", "etcd CAS, 1 in flight", LINEARIZABLE, in_flight=1),
    Row("durable-unary-1", "batos", "unary", "durable send, unary, 1 in flight", SERIALIZABLE, in_flight=1, objects=1),
    Row("etcd-cas", "etcd", "cas", "D: etcd CAS on 64 keys", LINEARIZABLE),
    Row("durable-stream-64", "batos", "stream", "durable, batched stream, 64 objects", SERIALIZABLE),
    Row("etcd-cas-3", "etcd", "cas", "the same from 3 generators", LINEARIZABLE, generators=3),
    Row(
        "durable-stream-256",
        "batos",
        "stream",
        "durable, batched stream, 256 objects, 256 in flight",
        SERIALIZABLE,
        objects=256,
        in_flight=256,
    ),
    Row("etcd-cas-contended", "etcd", "cas-one", "etcd CAS on one key, 16 in flight", LINEARIZABLE, in_flight=16),
    Row("hot-stream", "batos", "stream", "one hot object, batched stream", SERIALIZABLE, objects=1),
    _of_three("hot-stream-one-of-3", "stream", "another", "hot object, batched stream, not through its owner"),
    _of_three("hot-stream-3", "stream", "all", "the same through all three at once"),
    _of_three("hot-stream-owner-of-3", "stream", "owner", "the same through the one that owns it"),
    _of_three("hot-unary-one-of-3", "unary", "another", "hot object, unary, not through its owner"),
    _of_three("hot-unary-3", "unary", "all", "the same through all three at once"),
    _of_three("hot-unary-owner-of-3", "unary", "owner", "the same through the one that owns it"),
    Row(
        "durable-unary-64-16",
        "batos",
        "unary",
        "durable send, 64 objects, unary, 16 connections",
        SERIALIZABLE,
        connections=16,
        long=True,
    ),
    Row(
        "durable-unary-64-workers-2",
        "workers",
        "unary",
        "the same, a dispatcher of two workers",
        SERIALIZABLE,
        connections=16,
        long=True,
    ),
    Row(
        "mix-unary",
        "traced",
        "unary",
        "a mix: 20 selectors, nested sends, request ids, 1 % traced",
        SERIALIZABLE + ", exactly once; reads: " + PREFIX,
        selector="",
        stamped=True,
    ),
    Row(
        "mix-stream",
        "traced",
        "stream",
        "the same mix, batched stream",
        SERIALIZABLE + ", exactly once; reads: " + PREFIX,
        selector="",
        stamped=True,
        long=True,
    ),
)


def chosen(names: tuple[str, ...], *, quick: bool) -> tuple[Row, ...]:
    """The rows of these names, or all that belong to the kind of run. Raises KeyError with a name that no row has."""
    if not names:
        return tuple(row for row in ROWS if not (quick and row.long))
    known = {row.name: row for row in ROWS}
    return tuple(known[name] for name in names)
