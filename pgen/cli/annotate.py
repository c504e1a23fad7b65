"""`pgen annotate`: the main job."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from pgen.cli.command import Command, Option, option
from pgen.cli.options import run_options
from pgen.registry import registry


def _steps() -> list[click.Parameter]:
    """Return a switch for each step that a plugin adds before the run."""
    return [
        Option([f"{step.flag}/--no-{step.flag[2:]}"], group=step.group, help=step.help, default=None)
        if step.automatic
        else Option([step.flag], group=step.group, help=step.help, is_flag=True)
        for step in registry().steps()
    ]


@click.command(cls=Command, place=30, params=[*run_options(), *_steps()])
@option("--dry-run", group="run", is_flag=True, help="Print the plan and a sample prompt; send and write nothing.")
@option("--price-in", group="run", type=click.FloatRange(min=0), help="Dollars per million tokens read.")
@option("--price-out", group="run", type=click.FloatRange(min=0), help="Dollars per million tokens written.")
def annotate(
    config: Path | None,
    opt: tuple[str, ...],
    dry_run: bool,
    price_in: float | None,
    price_out: float | None,
    **flags: Any,
) -> None:
    """Write the dialogue for a dataset with skills.

    \b
    pgen annotate --root my-dataset --output-dir my-dataset-dialogue --generator template
    """
    from pgen.cli.progress import ProgressBar
    from pgen.cli.style import fields
    from pgen.cli.text import plan_text, preview_text, report_text
    from pgen.config import build, create, resolve
    from pgen.errors import ConfigError
    from pgen.run.estimate import Prices
    from pgen.run.run import Run

    switches = {step: flags.pop(step.parameter) for step in registry().steps()}
    steps = [step for step, wanted in switches.items() if wanted]
    if dry_run and (blind := next((step for step in steps if step.preview is None), None)):
        raise ConfigError(f"--dry-run sends no request, but {blind.flag} does: leave one of them out.")
    assigned = {step.takes: [text for text in opt if text.startswith(f"{step.takes}.")] for step in steps}
    prices = Prices(price_in, price_out)
    remaining = [text for text in opt if not any(text in taken for taken in assigned.values())]
    with ExitStack() as stack:
        settings = build(resolve(config, flags, remaining))
        for step, wanted in switches.items():
            if not (wanted or (wanted is None and step.automatic and step.automatic(settings))):
                continue
            if dry_run and step.preview:
                preview = stack.enter_context(step.preview(settings, assigned.get(step.takes, ())))
                click.echo(preview_text(preview, step.flag, prices))
                settings = preview.config
            else:
                settings = stack.enter_context(step.prepare(settings, assigned.get(step.takes, ())))
        command = " ".join(["annotate", *(step.flag for step in steps if not step.automatic)])
        run = stack.enter_context(Run(settings.run, create(settings), command, prices))
        if dry_run:
            click.echo(fields(plan_text(run.plan, run.estimate, prices)))
        else:
            with ProgressBar() as bar:
                report = run.execute(bar.start, bar.phase)
            click.echo(fields(report_text(report, prices)))
