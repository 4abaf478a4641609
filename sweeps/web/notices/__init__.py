"""Notices: from events to messages at Discord, Slack or any address.

`observing` reads what the events of a moment are about, `concluding` says as a pure function which notices follow,
`bodies` and `signing` write them in the form of each receiver, and `sender` is the thread that does all of it.
"""
