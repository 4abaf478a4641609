"""The store and its contents over HTTP, for machines that can only reach out: the same methods, sent to the service.

`RemoteStore` is a `Store` and `RemoteFiles` a `FileStore`, so that a scheduler and every command work on them as they
do on a database and a folder. The service answers each method at one endpoint (`sweeps.web.api.store`); both sides take
its form from the method's own signature (`signatures`), and the scope that it needs from one table (`methods`).

Whatever goes wrong on the way is StoreUnavailable: the same call may succeed later, and whoever waits out an outage of
a database waits out one of the network, or of the service, in the same way.
"""
