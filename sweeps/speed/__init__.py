"""How fast a machine is at a sweep's own kinds of work, for forecasts where no job like them has run yet.

In the order of the data:

samples    a short job that was run and timed, and all of a machine's as a file
choose     which short jobs tell most of a sweep, within a bound of work
measure    runs them on this machine's slots, as a sweep's jobs run
nominal    what is guessed of a machine where nothing was measured
estimates  what a job takes, from the samples, or else a guess
"""
