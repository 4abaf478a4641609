"""Rules of a file with a script: what it cannot have beside one, and what only it can have."""

from collections.abc import Iterator

from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.spec.sections import SweepFile

NATIVE_ONLY = {
    "documents": "a script's trial scores what the script scores; leave it out",
    "promote": "a script's trials are not scored on more documents; leave it out",
}
"""Keys of [search] that mean nothing for a script, and why."""


def script_conflicts(file: SweepFile) -> Iterator[str]:
    """A line for each rule that a file breaks."""
    if file.script is None:
        if file.contest != DEFAULT:
            yield f'contest = "{file.contest}": our own [recipe] is of {DEFAULT}; bring a [script], or leave it out'
        if file.search is not None and file.search.proxy is not None:
            yield "search.proxy: only a script has one; use search.documents and search.promote with [recipe]"
        if file.data.validation == "holdout":
            yield 'data.validation = "holdout": only a script needs it; trials of [recipe] never see the validation set'
        return
    if file.search is not None and contest_named(file.contest).score.direction == "higher":
        yield f"search: {file.contest} has a score that is better when higher, and a search looks for the lowest"
    if file.contest != DEFAULT and file.baseline is not None and file.baseline.mean is not None:
        yield f"baseline.mean: {file.contest} compares entries with records of golfsweep import; give row"
    if "recipe" in file.model_fields_set:
        yield "recipe: a file has either [recipe] or [script]; leave one out"
    if file.data.validation == "given" and "tuning_documents" in file.data.model_fields_set:
        yield 'data.tuning_documents: only data.validation = "holdout" holds documents out for a script; leave it out'
    if file.search is not None:
        for name in sorted(NATIVE_ONLY.keys() & file.search.model_fields_set):
            yield f"search.{name}: {NATIVE_ONLY[name]}"
    if file.confirm.train_only:
        yield "confirm.train_only: a script's score before quantization is not known; leave it out"
    if file.script.get("score") is None:
        if "audit" in file.model_fields_set:
            yield "audit: a script is audited only if script.score names its scorer; name it, or leave audit out"
    elif file.contest != DEFAULT:
        yield f"script.score: {file.contest} is judged by what runs printed; leave it out"
    elif file.data.tokens != "demo" and file.data.tokenizer is None:
        yield "script.score: an audit needs the text of the tokens; give data.tokenizer"
