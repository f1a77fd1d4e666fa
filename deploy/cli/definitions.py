"""check, draw, explore, asyncapi: the saga definitions and the events themselves."""

import time
from typing import Annotated, Any

import typer

from deploy.cli.common import AsJson, app, console, out, show
from deploy.client import Refused

Name = Annotated[str, typer.Argument(help="Of the saga.")]
Form = Annotated[str, typer.Option("--as", help="table, mermaid or svg.")]


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check every saga definition; exit code 1 and a sentence for each fault."""
    from orchestrator.core.check import check as faults_of
    from orchestrator.sagas import RELEASED, SAGAS

    faults = {f"{name} {v}": list(faults_of(saga, RELEASED)) for (name, v), saga in SAGAS.items()}
    if as_json:
        show(faults)
    for name, found in faults.items():
        for fault in found:
            out.print(f"{name}: {fault}", markup=False)
    if any(faults.values()):
        raise typer.Exit(1)
    console.print(f"{len(faults)} saga(s) checked: nothing is wrong")


@app.command()
def draw(name: Name = "order", form: Form = "table") -> None:
    """Draw a saga: its steps, who does them, what undoes them."""
    from orchestrator.core import draw as drawn

    forms: dict[str, Any] = {"table": drawn.table, "mermaid": drawn.mermaid, "svg": drawn.svg}
    if form not in forms:
        raise Refused(f"--as takes {', '.join(forms)}, not {form!r}", 2)
    drawing = forms[form](_saga(name))
    typer.echo(drawing if isinstance(drawing, str) else "\n".join(drawing))


@app.command("asyncapi")
def events_document() -> None:
    """Print the AsyncAPI document of every event, for subscribers in any language."""
    from deploy.asyncapi import document

    show(document())


@app.command()
def explore(name: Name = "order", as_json: AsJson = False) -> None:
    """Walk a saga's whole state space with duplicates, late and stray messages and silence."""
    from orchestrator.core.explore import explore as walk_of
    from orchestrator.core.explore import report

    saga = _saga(name)
    began = time.perf_counter()
    with console.status(f"walking every state of {name} …"):
        walk = walk_of(saga)
    took = time.perf_counter() - began
    if as_json:
        show(
            {
                "saga": name,
                "states": walk.states,
                "transitions": walk.transitions,
                "strays": walk.strays,
                "complete": walk.complete,
                "seconds": round(took, 2),
                "breaches": [str(breach) for breach in walk.breaches],
            }
        )
    else:
        for line in report(saga, walk):
            out.print(line, markup=False)
        out.print(f"{took:.1f} s")
    raise typer.Exit(1 if walk.breaches else 0)


def _saga(name: str) -> Any:
    from orchestrator.sagas import SAGAS

    versions = [version for known, version in SAGAS if known == name]
    if not versions:
        known = ", ".join(sorted({known for known, _ in SAGAS}))
        raise Refused(f"there is no saga {name!r}; there is {known}", 2)
    return SAGAS[name, max(versions)]
