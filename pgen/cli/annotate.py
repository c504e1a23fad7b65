"""`pgen annotate`: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pgen.config.runfile import RunConfig
    from pgen.run.run import Run

_folder = click.Path(path_type=Path)


@click.command()
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Run file (TOML); flags override it.")
@click.option("--root", type=_folder, help="The dataset's folder, or a D_labeled file (.jsonl).")
@click.option("--repo-id", metavar="ID", help="The dataset's Hub id, where no --root is given.")
@click.option("--revision", help="Branch, tag or commit on the Hub.")
@click.option("--output-dir", type=_folder, help="The new dataset; must not exist yet.")
@click.option("--in-place", is_flag=True, default=None, help="Write into --root itself instead of a new folder.")
@click.option("--journal", type=_folder, metavar="PATH", help="Keep the answers here meanwhile.  [default: near OUT]")
@click.option("--generator", metavar="NAME", help="Who answers, such as `template`.")
@click.option("--source", metavar="NAME", help="The input's form.  [default: by --root]")
@click.option("--sampler", metavar="NAME", help="Which moments are asked about.  [default: segments]")
@click.option("--prompt", metavar="NAME", help="How they are asked about; file:PATH is your own.  [default: hi-robot]")
@click.option("--language", metavar="CODE", help="The dialogue's language, such as de.  [default: en]")
@click.option("--turns", metavar="HOW", help="episode: tell each request what was said before.  [default: off]")
@click.option("--variants", type=int, metavar="N", help="Ask for N different dialogues a moment.  [default: 1]")
@click.option("--check", multiple=True, metavar="NAME", help="What is checked; repeatable, or none.  [default: all]")
@click.option("--on-check", metavar="HOW", help="retry, keep or fail what checks find wrong.  [default: retry]")
@click.option("--judge", metavar="NAME", help="A generator that judges a share of the dialogues.")
@click.option("--judge-share", type=float, metavar="SHARE", help="Share that it judges.  [default: 0.1]")
@click.option("--executor", metavar="NAME", help="Where the work is done, such as `ray`.  [default: local]")
@click.option("--sink", multiple=True, metavar="NAME", help="The output's form; repeatable.  [default: the input's]")
@click.option("--opt", multiple=True, metavar="KIND.OPTION=VALUE", help="An option of a component; repeatable.")
@click.option("--episodes", metavar="RANGES", help="Episodes to annotate, such as 0-9,12.  [default: all]")
@click.option("--camera", multiple=True, metavar="KEY", help="Camera to show; repeatable.  [default: all]")
@click.option("--num-image-views-per-sample", type=int, metavar="N", help="Show at most N cameras a sample.")
@click.option("--skills", metavar="WHERE", help="auto, task, another form by name, or a file.  [default: auto]")
@click.option("--segment", is_flag=True, help="Find the skills first, as `pgen segment` does.")
@click.option("--sample-interval", type=float, metavar="SECONDS", help="Seconds between two samples.  [default: 1]")
@click.option("--clip", type=float, metavar="SECONDS", help="Show this much of what led up to a sample.  [default: 0]")
@click.option("--max-samples", type=int, metavar="N", help="Ask about the first N samples only.")
@click.option("--model", help="The model's Hub id, folder or name on the server.")
@click.option("--base-url", metavar="URL", help="The server's address; several with commas between them.")
@click.option("--wait-for-server", metavar="TIME", help="Wait this long for a server that is gone, such as 10m.")
@click.option("--serve", metavar="COMMAND", help="Start the server by a command with {port} in it.")
@click.option("--replicas", type=int, metavar="N", help="Start N of them, a GPU each.")
@click.option("--temperature", type=float, help="0 always takes the likeliest word.")
@click.option("--device", help="Where the model runs.")
@click.option("--dtype", help="The precision of the weights.")
@click.option("--attn-implementation", metavar="NAME", help="How attention is computed.")
@click.option("--load-in-4bit", is_flag=True, default=None, help="Quantize the weights to 4 bits while loading.")
@click.option("--batch-size", type=int, metavar="N", help="Requests the model computes at once.")
@click.option("--concurrency", type=int, metavar="N", help="Requests in flight at once.")
@click.option("--attempts", type=int, metavar="N", help="Times a sample is asked at most.  [default: 2]")
@click.option("--max-pixels", type=int, metavar="N", help="Scale pictures down to this size.  [default: 1003520]")
@click.option("--seed", type=int, help="The same seed gives the same output.  [default: 0]")
@click.option("--max-failures", type=float, metavar="SHARE", help="Share of samples that may fail.  [default: 0.02]")
@click.option("--overwrite", is_flag=True, default=None, help="Replace dialogue that the dataset already has.")
@click.option("--unlabelled", metavar="task|-1", help="What a frame without a dialogue holds.  [default: task]")
@click.option("--copy-videos", is_flag=True, default=None, help="Copy videos, else shared with the input.")
@click.option("--fresh", is_flag=True, default=None, help="Throw away the answers of an unfinished run.")
@click.option("--dry-run", is_flag=True, help="Print the plan and a sample prompt; ask nothing, write nothing.")
def annotate(config: Path | None, opt: tuple[str, ...], segment: bool, dry_run: bool, **flags: Any) -> None:
    """Write the dialogue for a dataset with skills.

    \b
    pgen annotate --root my-dataset --output-dir my-dataset-dialogue --generator template
    """
    from pgen.cli.segmented import SEGMENTER, SEGMENTING, with_skills
    from pgen.config.runfile import build, resolve
    from pgen.errors import ConfigError

    if not segment:
        _run(build(resolve(config, flags, opt)), dry_run)
        return
    if dry_run:
        raise ConfigError("--dry-run asks nothing, and --segment does: run `pgen segment` first, or leave one out.")
    of_segmenter = [text for text in opt if text.startswith(SEGMENTER)]
    settings = build(resolve(config, flags, [text for text in opt if text not in of_segmenter]))
    with with_skills(settings, of_segmenter) as known:
        _run(known, dry_run, SEGMENTING)


def _run(settings: "RunConfig", dry_run: bool, command: str = "annotate") -> None:
    from pgen.config.assembly import create
    from pgen.run.run import Run

    with Run(settings.run, create(settings), command) as run:
        _show_plan(run) if dry_run else _execute(run)


def _show_plan(run: "Run") -> None:
    from pgen.cli.text import plan_text

    click.echo(plan_text(run.plan))


def _execute(run: "Run") -> None:
    from pgen.cli.progress import ProgressBar
    from pgen.cli.text import report_text

    with ProgressBar() as bar:
        report = run.execute(bar.start, bar.phase)
    click.echo(report_text(report))
