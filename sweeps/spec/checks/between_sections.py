"""Rules between the sections of a sweep file, each of which is right by itself."""

from collections.abc import Iterator, Mapping

from golf.data.corpus import DEMO_TUNING_DOCUMENTS, VOCAB_SIZE
from sweeps.spec.recipe import Recipe
from sweeps.spec.sections import MOST_SEED, SweepFile

MOST_MEASUREMENTS = 20_000
"""Most evaluations of a sweep: seeds of arms, trials, and seeds of confirmed trials."""


def section_conflicts(file: SweepFile) -> Iterator[str]:
    """A line for each rule that a file breaks."""
    for check in (_seeds, _further_seeds, _data, _budget, _size, _numbers):
        yield from check(file)


def _seeds(file: SweepFile) -> Iterator[str]:
    """No seed serves two purposes, and every purpose that the file has has its seeds."""
    uses: dict[int, str] = {}
    for use in ("tune", "confirm", "report"):
        for seed in getattr(file.seeds, use):
            if seed in uses:
                yield f"seeds.{use}: {seed} is in seeds.{uses[seed]} already; use each seed once"
            uses.setdefault(seed, use)
    if file.search is not None and not file.seeds.tune:
        yield "seeds.tune: empty; a search needs at least one seed to tune on"
    if file.seeds.report and (file.search is None or not file.confirm.top):
        yield "seeds.report: no trial to measure; report seeds need a search and confirm.top above 0"


def _further_seeds(file: SweepFile) -> Iterator[str]:
    """Seeds of `confirm.train_only` follow the largest that the file names."""
    lists = [seeds for arm in file.arm if isinstance(seeds := arm.get("seeds"), list | tuple)]
    own = [seed for seeds in lists for seed in seeds if isinstance(seed, int)]
    largest = max((*file.seeds.tune, *file.seeds.confirm, *file.seeds.report, *own), default=0)
    if file.confirm.train_only and largest + file.confirm.train_only > MOST_SEED:
        most = MOST_SEED - file.confirm.train_only
        yield f"confirm.train_only = {file.confirm.train_only}: takes the seeds after {largest}; name none above {most}"


def _data(file: SweepFile) -> Iterator[str]:
    """The bundled corpus brings its own tokenizer and tuning documents; other data need a tokenizer."""
    if file.data.tokens != "demo" and file.data.tokenizer is None and file.script is None:
        yield 'data.tokenizer: missing; name one, or set data.tokens = "demo", which brings its own'
    free = {"tokens"} if file.script is None else {"tokens", "validation", "tuning_documents"}
    if file.data.tokens == "demo" and (given := file.data.model_fields_set - free):
        yield f'data.{min(given)}: data.tokens = "demo" brings its own; leave it out'


def _budget(file: SweepFile) -> Iterator[str]:
    if file.budget.dollars is not None and not file.budget.dollars_per_gpu_hour:
        yield "budget.dollars: cannot be checked; set budget.dollars_per_gpu_hour, the price of one slot and hour"


def _size(file: SweepFile) -> Iterator[str]:
    """Every measurement has jobs of its own, and the driver looks at all of them again and again."""
    arms = sum(
        len(seeds) for arm in file.arm if isinstance(seeds := arm.get("seeds", file.seeds.confirm), list | tuple)
    )
    trials = 0 if file.search is None else file.search.trials + file.confirm.top * len(file.seeds.confirm)
    entries = len(file.arm) + (0 if file.search is None else file.confirm.top)
    count = arms + trials + entries * file.confirm.train_only
    if count > MOST_MEASUREMENTS:
        yield f"arms, seeds and trials make {count:,} measurements; expected at most {MOST_MEASUREMENTS:,}"


def _numbers(file: SweepFile) -> Iterator[str]:
    """Numbers of a search that are larger than what there is of a thing."""
    section = file.search
    if section is None:
        return
    is_demo, promote = file.data.tokens == "demo", section.promote
    held_out = DEMO_TUNING_DOCUMENTS if is_demo else file.data.tuning_documents
    wanted = {} if file.script is not None else {"search.documents": section.documents}
    if promote is not None:
        wanted["search.promote.documents"] = promote.documents
    for name, count in wanted.items():
        if count > held_out:
            yield f"{name} = {count}: only {'' if is_demo else 'data.tuning_documents = '}{held_out} are held out"
    if len(section.first) > section.trials:
        yield f"search.first: {len(section.first)} given; expected at most search.trials = {section.trials}"
    if promote is not None and promote.top > section.trials:
        yield f"search.promote.top = {promote.top}: there are only {section.trials} trials"
    if file.confirm.top > section.trials:
        yield f"confirm.top = {file.confirm.top}: there are only {section.trials} trials"
    elif promote is not None and file.confirm.top > promote.top:
        yield f"confirm.top = {file.confirm.top}: only search.promote.top = {promote.top} trials are left for it"


def vocabulary_conflicts(file: SweepFile, recipes: Mapping[str, Recipe]) -> Iterator[str]:
    """Recipes whose model has other tokens than the bundled corpus."""
    sizes: dict[int, str] = {}
    for name, recipe in recipes.items():  # an arm does not repeat what is wrong with the recipe
        sizes.setdefault(recipe.train.model.vocab_size, name)
    for size, name in sizes.items():
        if file.data.tokens == "demo" and size != VOCAB_SIZE:
            yield f"{name}train.model.vocab_size = {size}: the demo's tokenizer has {VOCAB_SIZE} pieces"
