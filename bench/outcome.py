"""A scenario's result out of what was measured."""

from __future__ import annotations

from bench.figures import Figure, Load, Result
from bench.scenarios import Scenario
from bench.stretch import Stretch
from bench.world import World


def result_of(
    world: World,
    scenario: Scenario,
    stretch: Stretch,
    figures: tuple[Figure, ...],
    joins: tuple[int, int] | None = None,
) -> Result:
    """`joins`: how many tried and how many failed, where others than the stretch's count."""
    came, failed = len(stretch.joins_ms), stretch.failed_joins
    load = Load(
        rooms=world.rooms,
        people=len(world.clients),
        seconds=stretch.seconds,
        packets_in_per_s=stretch.packets / stretch.seconds,
        packets_out_per_s=stretch.offered / stretch.seconds,
        delivered_share=stretch.delivered_share,
        worker_core_share=stretch.core_share,
        worker_waited_share=stretch.waited_share,
        worker_cpu_s=stretch.spent.worker,
        server_cpu_s=stretch.spent.server,
        generator_cpu_s=stretch.spent.generator,
        decrypted=world.receiver.decrypted,
        undecryptable=world.receiver.undecryptable,
        late_ms=stretch.late_ms,
        joins=joins[0] if joins else came + failed,
        failed_joins=joins[1] if joins else failed,
    )
    return Result(scenario.name, scenario.title, load, figures)
