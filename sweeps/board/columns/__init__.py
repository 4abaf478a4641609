"""The leaderboard's columns: one table of columns that an entry fills alone, one of columns that need the whole table.

To add a column:

1. If an entry can fill it alone, add an `OwnColumn` to `OWN_COLUMNS` in `own.py`: its name, how it is computed from a
   sweep's evaluations (`of_runs`), and how from a public record (`of_record`).
   If it takes other entries (a test, a rank), add a `TableColumn` to `TABLE_COLUMNS` in `whole.py`: its name and how it
   is computed for all entries at once.
2. Set `varies=True` if two runs of the same sweep differ in it, as times and costs do.
3. `leaderboard --json` and CSV have it now. To show it in the terminal and the report as well, add a line to
   `DETAILS` in `sweeps/views/entry_facts.py` (beneath the table) or to `CELLS` in `sweeps/views/terminal/table.py`.
4. Explain it in `docs/glossary.md`, where a test looks for it.
"""
