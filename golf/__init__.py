"""The computation, one room per step, in the order of the data.

data       token shards, documents, bytes per token, the bundled corpus
model      the GPT family and its kernels
train      train one seed, alone or as a torchrun gang
artifact   quantize, compress and pack a model, and load it
ttt        score documents with test-time training
audit      judge any scorer by the losses it returns
proof      prove a score by compressing and decompressing with it
entry      a whole run as one self-contained script
"""
