"""The command line: `provisioner COMMAND`, its words, and its exit statuses.

    1 failed   3 a read refused, or changes held   5 done in part   4 changes wait for approval
    2 changes planned (only with --detailed-exitcode)   0 otherwise; the first that applies

What a command does is in `provisioner/commands/`, imported when it is asked for: nobody waits for
what they don't use.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from connectors.errors import ProvisionerError, ReadRefused
from provisioner.cli_audit import audit
from provisioner.cli_credits import credits
from provisioner.cli_directory import directory
from provisioner.cli_explain import explain
from provisioner.cli_manual import manual
from provisioner.cli_mapping import mapping, schema
from provisioner.cli_options import config_option, moment_of
from provisioner.cli_quarantine import quarantine
from provisioner.cli_rehearse import rehearse
from provisioner.cli_tokens import token

FAILED, CHANGES, REFUSED = 1, 2, 3
_Command = TypeVar("_Command", bound=Callable[..., Any])
_FORMATS = ("text", "json", "jsonl", "csv", "html", "markdown")
_SYSTEMS = ("zoom", "teams")


def _sync_option(command: _Command) -> _Command:
    return click.option("--sync", "sync", metavar="S", help="One sync; default: the only one.")(
        command
    )


def _output_options(command: _Command) -> _Command:
    command = click.option(
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write there, not to stdout.",
    )(command)
    return click.option(
        "--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True
    )(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="phone-provisioner")
def provisioner() -> None:
    """Keep a company's phone system in step with its directory."""


provisioner.add_command(quarantine)
provisioner.add_command(token)
provisioner.add_command(directory)
provisioner.add_command(audit)
provisioner.add_command(mapping)
provisioner.add_command(schema)
provisioner.add_command(credits)
provisioner.add_command(manual)
provisioner.add_command(rehearse)
provisioner.add_command(explain)


@provisioner.command()
@click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("config/demo.yaml"),
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="The folder for the store, the report and the plan.",
)
def demo(config: Path, output: Path) -> None:
    """The whole way on the sample company: no account, no network."""
    from provisioner.commands.demo import run_demo

    sys.exit(run_demo(config, output))


@provisioner.command()
@config_option
def check(config: Path) -> None:
    """Check config, mappings, credentials and reachability; all problems at once."""
    from provisioner.commands.check import run_check

    sys.exit(run_check(config))


@provisioner.command()
@config_option
@_sync_option
@click.option("--user", "users", multiple=True, metavar="U", help="Plan for these people only.")
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show what another mapping would do.",
)
@_output_options
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 if changes are planned.")
@click.option("--accept-read", "accepted", multiple=True, metavar="NAME=SHA256")
@click.option("--as-of", metavar="DATE", help="Plan for that day (2027-01-31) or moment.")
def plan(
    config: Path,
    sync: str | None,
    users: Sequence[str],
    mapping: Path | None,
    form: str,
    output: Path | None,
    detailed_exitcode: bool,
    accepted: Sequence[str],
    as_of: str | None,
) -> None:
    """Read everything and show what would change; nothing is written to the phone system."""
    from provisioner.commands.plans import run_plan
    from provisioner.planning import Request

    request = Request(users, mapping, _accepted(accepted), moment_of("--as-of", as_of))
    sys.exit(run_plan(config, sync, request, form, output, detailed=detailed_exitcode))


def _accepted(accepted: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in accepted]
    for name, equals, sha256 in pairs:
        if not (name and equals and sha256):
            raise click.UsageError("--accept-read takes NAME=SHA256, as the refusal printed it")
    return {name: sha256 for name, _, sha256 in pairs}


def _decision_options(command: _Command) -> _Command:
    command = click.option(
        "--only",
        "only",
        multiple=True,
        metavar="KIND|USER|CLUSTER",
        help="Only these changes: a kind, a risk, a cluster, or a person's mail, userName or key.",
    )(command)
    return click.option("--by", metavar="NAME", help="Who decides; default: the login name.")(
        command
    )


@provisioner.command()
@config_option
@click.argument("plan")
@_decision_options
@click.option("--with-needs", is_flag=True, help="With --only: whatever those changes need, too.")
def approve(
    config: Path, plan: str, only: Sequence[str], by: str | None, *, with_needs: bool
) -> None:
    """Approve a plan (its id, or the file it was written to), or a part of it."""
    from provisioner.commands.deciding import run_decide

    sys.exit(run_decide(config, plan, "approved", by, only, with_needs=with_needs))


@provisioner.command()
@config_option
@click.argument("plan")
@_decision_options
def reject(config: Path, plan: str, only: Sequence[str], by: str | None) -> None:
    """Reject a plan, or a part of it: not carried out, nor asked for again unchanged."""
    from provisioner.commands.deciding import run_decide

    sys.exit(run_decide(config, plan, "rejected", by, only))


@provisioner.command()
@config_option
@click.argument("plan")
@click.option("--allow-removals", type=click.IntRange(min=0), metavar="N")
@click.option("--allow-changes", type=click.IntRange(min=0), metavar="N")
@click.option(
    "--allow", "kinds", multiple=True, metavar="KIND=N", help="What `limits.kinds` held, once."
)
@click.option("--despite-freeze", is_flag=True, help="Now, although a freeze holds; once.")
def apply(
    config: Path,
    plan: str,
    allow_removals: int | None,
    allow_changes: int | None,
    kinds: Sequence[str],
    *,
    despite_freeze: bool,
) -> None:
    """Carry out what is decided of a recorded plan (its id, or the file it was written to)."""
    from provisioner.apply import Allowance
    from provisioner.commands.plans import run_apply

    allowance = Allowance(allow_removals, allow_changes, _allowed(kinds), despite_freeze)
    sys.exit(run_apply(config, plan, allowance))


def _allowed(kinds: Sequence[str]) -> dict[str, int]:
    from mappings.yaml_file import did_you_mean
    from provisioner.plan.content import KINDS

    allowed: dict[str, int] = {}
    for text in kinds:
        kind, _, number = text.partition("=")
        if kind not in KINDS:
            raise click.UsageError(f"--allow: {kind!r} is no kind; {did_you_mean(kind, KINDS)}")
        if not (number.isascii() and number.isdigit()):
            raise click.UsageError(f"--allow takes KIND=N, like number.release=5, not {text!r}")
        if kind in allowed:
            raise click.UsageError(f"--allow: {kind} is given twice")
        allowed[kind] = int(number)
    return allowed


@provisioner.command()
@config_option
@click.argument("run")
@click.option("--user", "users", multiple=True, metavar="U", help="Undo it for these people only.")
@_output_options
def undo(config: Path, run: str, users: Sequence[str], form: str, output: Path | None) -> None:
    """Make the plan that takes back what a run did, to be reviewed and applied like any other."""
    from provisioner.commands.undo import run_undo

    sys.exit(run_undo(config, run, users, form, output))


@provisioner.command()
@config_option
@_sync_option
def sync(config: Path, sync: str | None) -> None:
    """Plan, guard, approval policy, apply: once."""
    from provisioner.commands.plans import run_sync

    sys.exit(run_sync(config, sync))


@provisioner.command()
@config_option
@_output_options
def runs(config: Path, form: str, output: Path | None) -> None:
    """List the last runs and plans."""
    from provisioner.commands.plans import run_runs

    sys.exit(run_runs(config, form, output))


@provisioner.command()
@config_option
@click.argument("plan")
@_output_options
def show(config: Path, plan: str, form: str, output: Path | None) -> None:
    """Show a recorded plan, each change in the state it is in now."""
    from provisioner.commands.plans import run_show

    sys.exit(run_show(config, plan, form, output))


@provisioner.command()
@config_option
@_sync_option
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--delegations",
    is_flag=True,
    help="Ask for everybody's delegates, where that takes a call for each user.",
)
def inventory(config: Path, sync: str | None, output: Path | None, delegations: bool) -> None:
    """Write the phone system's state as JSON lines, as a snapshot reads them."""
    from provisioner.commands.inventory import run_inventory

    sys.exit(run_inventory(config, sync, output, delegations=delegations))


@provisioner.command()
@config_option
def daemon(config: Path) -> None:
    """Run the syncs on their schedules, until told to stop."""
    from provisioner.commands.daemon import run_daemon

    sys.exit(run_daemon(config))


@provisioner.command()
@config_option
def receiver(config: Path) -> None:
    """Serve the SCIM receiver alone; the daemon plans what it takes in."""
    from provisioner.commands.receiver import run_receiver

    sys.exit(run_receiver(config))


@provisioner.command()
@click.argument("system", type=click.Choice(_SYSTEMS))
@click.option("--port", type=click.IntRange(0, 65535), default=9000, show_default=True)
@click.option(
    "--load", type=click.Path(path_type=Path), metavar="FILE", help="A snapshot to begin with."
)
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the state there; default: in memory.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Serve these SCIM resources too, under /scim/v2 (token: demo-token).",
)
@click.option(
    "--sso/--no-sso", default=True, show_default=True, help="The account has SSO pre-provisioning."
)
@click.option("--rate-limits/--no-rate-limits", default=True, show_default=True)
@click.option(
    "--agreement",
    type=click.Choice(["mca", "other"]),
    default="other",
    show_default=True,
    help="Teams: how the tenant buys; mca has no product Communications Credits.",
)
@click.option(
    "--settling",
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="Teams: until a new calling plan takes a number.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Zoom: what else the account is like (its simulator's README).",
)
@click.option(
    "--faults",
    default="",
    metavar="SPEC",
    help="What goes wrong: 30% of all answers, or 429=5%,slow=5%:2s; `list` tells every kind.",
)
@click.option(
    "--seed", default=0, show_default=True, help="Decides which requests the faults meet."
)
def simulate(
    system: str,
    port: int,
    load: Path | None,
    database: Path | None,
    directory: Path | None,
    sso: bool,
    rate_limits: bool,
    agreement: str,
    settling: float,
    options: Sequence[str],
    faults: str,
    seed: int,
) -> None:
    """Serve a vendor's interface on this machine, for trying things out; any credentials will do."""
    from provisioner.commands.simulate import Simulated, list_faults, run_simulate

    if faults == "list":
        sys.exit(list_faults())
    simulated = Simulated(
        *(system, load, database, directory, sso, rate_limits, agreement, settling, faults, seed),
        options=options,
    )
    sys.exit(run_simulate(simulated, port))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status; every error of ours is told in plain words."""
    # A plan holds much and leaves no cycles: looking for them over and over costs a tenth of it.
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)  # at the end everything goes anyway
    try:
        provisioner.main(args=arguments, prog_name="provisioner", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(FAILED)  # usage errors are failures; 2 means "changes planned"
    except ReadRefused as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(REFUSED)
    except ProvisionerError as error:
        click.echo(f"failed: {error}", err=True)
        sys.exit(FAILED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; there is nobody to tell
        sys.exit(0)


if __name__ == "__main__":
    main()
