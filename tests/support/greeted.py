"""A made-up network behind a sandbox profile, for the tests of the client."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bidclient.formats.instant import instant_text
from bidclient.network.client import Network
from bidclient.network.profile import Profile
from tests.support.loopback import Answer, Asked, answering, json_answer, problem
from tests.support.network_world import NETWORK, World

T = "2026-12-01T09:30:00.000+08:00"
Route = Answer | Callable[[Asked], Answer]


def greeting(world: World, **changes: object) -> dict[str, object]:
    return {
        "name": NETWORK,
        "id": NETWORK,
        "kind": "sandbox",
        "api_version": "bidnet/1",
        "min_client_version": "0.0.1",
        "identity": world.identity.certificate.pem.decode(),
        "limits": {"max_patch": 4194304, "max_sealed": 2**31, "max_stub": 2**20},
        "features": [],
        **changes,
    }


@contextmanager
def network(
    world: World, routes: Mapping[str, Route], **changes: object
) -> Iterator[tuple[Network, list[Asked]]]:
    """A network behind a sandbox profile; `routes` maps "METHOD /path" to replies."""
    known: dict[str, Route] = {
        "GET /v1/network": json_answer(greeting(world, **changes)),
        "GET /v1/time": json_answer({"now": instant_text(world.now)}),
        **routes,
    }

    def answer(asked: Asked) -> Answer:
        route = known.get(f"{asked.method} {asked.path.partition('?')[0]}", problem("not-found", 404))
        return route if isinstance(route, Answer) else route(asked)

    trusted = (world.root.certificate,)
    with (
        answering(answer) as (address, asked),
        Network(Profile(address, "sandbox", trusted, trusted)) as client,
    ):
        yield client, asked
