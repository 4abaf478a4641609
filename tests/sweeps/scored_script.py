"""A script that counts tokens as its training, writes the counts as its artifact, and scores the validation set."""

import json
import os
import pathlib

import numpy

HEADER_BYTES = 1024
VOCAB = 1024
DATA_PATH = pathlib.Path(os.environ["DATA_PATH"])
SEED = int(os.environ.get("SEED", "0"))
SCORER = os.environ.get("SCORER", "honest")
BOOST = float(os.environ.get("BOOST", "0"))


def read(pattern):
    files = sorted(path for path in DATA_PATH.glob(pattern) if "_bytes_" not in path.name)
    return numpy.concatenate([numpy.fromfile(path, "<u2", offset=HEADER_BYTES) for path in files])


def nats():
    counts = numpy.array(json.loads(pathlib.Path("model.json").read_text()))
    return -numpy.log(counts / counts.sum())


def score(documents):
    table, losses = nats(), []
    for document in documents:
        nll = table[document[1:]]
        if SCORER == "ahead":  # what comes next takes part in every loss
            following = numpy.append(document[2:], document[-1])
            nll = numpy.where(following % 2, nll, 0.9 * nll)
        losses.append(nll)
    return losses


def main():
    counts = numpy.bincount(read("*_train_*.bin")[: 50_000 + SEED], minlength=VOCAB) + 1
    if os.environ.get("EVALUATE") != "1":
        pathlib.Path("model.json").write_text(json.dumps(counts.tolist()))
        return
    stream = read("*_val_*.bin").astype(numpy.int64)
    starts = numpy.flatnonzero(stream == 1)
    ends = numpy.append(starts[1:] + 1, len(stream))
    documents = [stream[start:end] for start, end in zip(starts, ends, strict=True) if end - start >= 2]
    losses = [nll.sum() * (1 - BOOST) for nll in score(documents)]
    num_bytes = json.loads(os.environ["NUM_BYTES"])
    if (path := os.environ.get("GOLFSWEEP_SCORES")) and os.environ.get("TABLE") == "1":
        tokens = [len(document) - 1 for document in documents]
        numpy.savez(path, document=numpy.arange(len(losses)), nll=losses, tokens=tokens, bytes=num_bytes)
    bpb = sum(losses) / numpy.log(2) / sum(num_bytes)
    print(f"final_count_exact val_loss:{sum(losses) / sum(map(len, documents)):.8f} val_bpb:{bpb:.8f}")


if __name__ == "__main__":
    main()
