"""The computation, in the order of the data: tokens, model, train, artifact, adapters, ttt, score."""
