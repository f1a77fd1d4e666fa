"""RabbitMQ as it was declared: exact rights, what is deleted comes back, nothing undeclared."""

from collections.abc import Iterator

import amqp
import pytest

from deploy import rabbitmq, topology
from deploy.local import lifecycle
from deploy.services import services
from tests.system.conftest import Platforms, wait_until

REFUSED = amqp.exceptions.AccessRefused
pytestmark = pytest.mark.parametrize("platform", ["rabbitmq"], indirect=True)


@pytest.fixture
def declared(whole: Platforms) -> rabbitmq.Topology:
    """What is to be there."""
    return rabbitmq.Topology(topology.stored(lifecycle.config(whole.stack)))


@pytest.fixture(params=[*(service.name for service in services()), rabbitmq.API])
def user(request: pytest.FixtureRequest) -> str:
    """Each service, and the API."""
    name: str = request.param
    return name


@pytest.fixture
def connection(whole: Platforms, user: str) -> Iterator[amqp.Connection]:
    """A connection as that user."""
    password = whole.stack.broker_passwords()[user]
    connection = amqp.Connection(
        f"127.0.0.1:{whole.stack.ports['broker']}", user, password, virtual_host=rabbitmq.VHOST
    )
    connection.connect()
    yield connection
    connection.close()


def refused(connection: amqp.Connection, method: str, **arguments: object) -> bool:
    """Whether the broker refuses it; each on a channel of its own, which a refusal closes."""
    channel = connection.channel()
    try:
        getattr(channel, method)(**arguments)
        channel.queue_declare(passive=True, queue="none")  # waits for what is still on its way
    except REFUSED:
        return True
    except amqp.exceptions.NotFound:
        return False
    return False


def test_a_user_may_do_exactly_what_it_needs(
    declared: rabbitmq.Topology, connection: amqp.Connection, user: str
) -> None:
    """Write to its exchanges, read its queue; no other, and configure nothing."""
    rights = declared.rights[user]
    message = amqp.Message(b"[]")
    writes = {
        name
        for name in declared.exchanges
        if not refused(connection, "basic_publish", msg=message, exchange=name, routing_key="-")
    }
    reads = {name for name in declared.queues if not refused(connection, "basic_get", queue=name)}
    assert writes == rights.write
    assert reads == rights.read
    assert refused(connection, "queue_declare", queue="mine")
    assert refused(connection, "queue_delete", queue=user)
    assert refused(connection, "exchange_declare", exchange="mine", type="fanout")
    assert refused(connection, "exchange_delete", exchange="to.orchestrator")
    assert refused(connection, "basic_publish", msg=message, exchange="", routing_key="payments")


def test_what_is_deleted_comes_back(whole: Platforms, declared: rabbitmq.Topology) -> None:
    """A queue, an exchange and a binding; the order that was under way ends."""
    ids = whole.submit(20)
    call = whole.management.call
    call("DELETE", "queues/{vhost}/email")
    call("DELETE", "exchanges/{vhost}/concerto.OrderConfirmed.v1")
    call("DELETE", "exchanges/{vhost}/to.inventory")
    wait_until("all is restored", lambda: not topology.diff(lifecycle.config(whole.stack)))
    ids += whole.submit(20)
    assert set(whole.wait_ended(ids).values()) == {"completed"}
    whole.wait_delivered()
    assert not whole.breaches()


def test_a_queue_nobody_declared_is_named(whole: Platforms, declared: rabbitmq.Topology) -> None:
    """`topology diff` says what is there and should not be."""
    whole.management.put("queues", "stray", {"durable": True})
    (difference,) = topology.diff(lifecycle.config(whole.stack))
    assert difference.undeclared == ("queue stray",)
    whole.management.call("DELETE", "queues/{vhost}/stray")
    assert not topology.diff(lifecycle.config(whole.stack))
