"""A small script in the challenge's style, for a CPU: trains, packs its artifact, reads it back and evaluates it.

It is steered by environment variables alone and has no switch that skips the training. `golfsweep` runs it unchanged:

    golfsweep run examples/script/sweep.toml --here
"""

import glob
import io
import math
import os
import time
import zlib
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp1024")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_1024_bpe.model")
    run_id = os.environ.get("RUN_ID", "run")
    seed = int(os.environ.get("SEED", "1337"))
    # Training
    iterations = int(os.environ.get("ITERATIONS", "40"))
    warmdown_iters = int(os.environ.get("WARMDOWN_ITERS", "20"))
    batch_tokens = int(os.environ.get("TRAIN_BATCH_TOKENS", "1024"))
    matrix_lr = float(os.environ.get("MATRIX_LR", "0.01"))
    log_every = int(os.environ.get("TRAIN_LOG_EVERY", "10"))
    model_dim = int(os.environ.get("MODEL_DIM", "48"))
    context = int(os.environ.get("CONTEXT", "4"))
    # Evaluation
    val_tokens = int(os.environ.get("VAL_TOKENS", "16384"))
    ttt_chunk = int(os.environ.get("TTT_CHUNK", "1024"))
    ttt_lr = float(os.environ.get("TTT_LR", "0.005"))
    ttt_epochs = int(os.environ.get("TTT_EPOCHS", "1"))
    temperature = float(os.environ.get("TEMPERATURE", "1.0"))


class Model(nn.Module):
    """Predicts a token from the few before it."""

    def __init__(self, vocab_size: int, dim: int, context: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim)
        self.hidden = nn.Linear(context * dim, 4 * dim)
        self.out = nn.Linear(4 * dim, dim)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, before: Tensor) -> Tensor:
        features = self.out(F.relu(self.hidden(self.embed(before).flatten(1))).square())
        return F.linear(features, self.embed.weight, self.bias)


def load_tokens(pattern: str) -> Tensor:
    shards = []
    for path in sorted(glob.glob(pattern)):
        header = np.fromfile(path, "<i4", 256)
        if header[0] != 20240520:
            raise ValueError(f"{path}: not a shard")
        shards.append(np.fromfile(path, "<u2", int(header[2]), offset=1024))
    return torch.from_numpy(np.concatenate(shards).astype(np.int64))


def windows(tokens: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """Every token with those before it."""
    return tokens.unfold(0, context, 1)[:-1], tokens[context:]


def piece_bytes(path: str) -> Tensor:
    pieces = sentencepiece.SentencePieceProcessor(model_file=path)
    sizes = []
    for token in range(pieces.vocab_size()):
        piece = pieces.id_to_piece(token)
        if pieces.is_control(token) or pieces.is_unknown(token):
            sizes.append(0)
        else:
            sizes.append(1 if pieces.is_byte(token) else len(piece.replace("\u2581", " ").encode()))
    return torch.tensor(sizes)


def quantize(state: dict[str, Tensor]) -> bytes:
    packed = {}
    for name, value in state.items():
        scale = value.abs().max().clamp_min(1e-8) / 127
        packed[name] = ((value / scale).round().to(torch.int8), scale)
    content = io.BytesIO()
    torch.save(packed, content)
    return zlib.compress(content.getvalue(), 9)


def dequantize(content: bytes) -> dict[str, Tensor]:
    packed = torch.load(io.BytesIO(zlib.decompress(content)), weights_only=True)
    return {name: whole.float() * scale for name, (whole, scale) in packed.items()}


def evaluate(model: Model, tokens: Tensor, sizes: Tensor, args: Hyperparameters, adapt: bool) -> tuple[float, float]:
    """Loss in nats per token and bits per byte; a chunk is scored before its bias is adapted on it."""
    before, targets = windows(tokens, args.context)
    bias, loss = model.bias.detach().clone(), 0.0
    for start in range(0, len(targets), args.ttt_chunk):
        chunk = slice(start, start + args.ttt_chunk)
        with torch.no_grad():
            logits = model(before[chunk]) - model.bias
            loss += float(F.cross_entropy((logits + bias) / args.temperature, targets[chunk], reduction="sum"))
            for _ in range(args.ttt_epochs if adapt else 0):
                wanted = torch.bincount(targets[chunk], minlength=len(bias)) / len(targets[chunk])
                bias += args.ttt_lr * (wanted - F.softmax(logits + bias, -1).mean(0)) * len(bias)
    nats = loss / len(targets)
    return nats, nats / math.log(2) * len(targets) / int(sizes[targets].sum())


def main() -> None:
    args = Hyperparameters()
    if distributed := "RANK" in os.environ:
        dist.init_process_group("gloo")
    rank, world_size = (dist.get_rank(), dist.get_world_size()) if distributed else (0, 1)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    code = Path(__file__).read_text(encoding="utf-8")
    if rank == 0:
        os.makedirs("logs", exist_ok=True)

    def log0(text: str, console: bool = True) -> None:
        if rank == 0:
            if console:
                print(text, flush=True)
            with open(f"logs/{args.run_id}.txt", "a", encoding="utf-8") as file:
                print(text, file=file)

    log0(code, console=False)
    log0("=" * 100, console=False)
    sizes = piece_bytes(args.tokenizer_path)
    train = load_tokens(os.path.join(args.data_path, "*_train_*.bin"))
    val = load_tokens(os.path.join(args.data_path, "*_val_[0-9]*.bin"))[: args.val_tokens]
    model = Model(len(sizes), args.model_dim, args.context)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.matrix_lr, betas=(0.9, 0.95))
    log0(f"seed:{args.seed} world_size:{world_size} iterations:{args.iterations}")

    started, before = time.perf_counter(), windows(train, args.context)
    draw = torch.Generator().manual_seed(args.seed + rank)
    for step in range(1, args.iterations + 1):
        picked = torch.randint(len(before[1]), (args.batch_tokens // world_size,), generator=draw)
        loss = F.cross_entropy(model(before[0][picked]), before[1][picked])
        optimizer.zero_grad()
        loss.backward()
        if distributed:
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= world_size
        left = args.iterations - step + 1
        optimizer.param_groups[0]["lr"] = args.matrix_lr * min(1.0, left / max(1, args.warmdown_iters))
        optimizer.step()
        if step % args.log_every == 0 or step == args.iterations:
            spent = 1000 * (time.perf_counter() - started)
            log0(
                f"step:{step}/{args.iterations} train_loss:{loss.item():.4f} train_time:{spent:.0f}ms "
                f"step_avg:{spent / step:.2f}ms"
            )

    if rank == 0:
        torch.save(model.state_dict(), "final_model.pt")
        content = quantize(model.state_dict())
        with open("final_model.int8.ptz", "wb") as file:
            file.write(content)
        log0(f"Serialized model int8+zlib: {os.path.getsize('final_model.int8.ptz')} bytes")
        log0(f"Code size: {len(code.encode())} bytes")
    if distributed:
        dist.barrier()
    with open("final_model.int8.ptz", "rb") as file:
        model.load_state_dict(dequantize(file.read()))
    for name, adapt in (("final_int8_zlib_roundtrip", False), ("final_int8_ttt", True)):
        started = time.perf_counter()
        nats, bpb = evaluate(model, val, sizes, args, adapt)
        spent = 1000 * (time.perf_counter() - started)
        log0(f"{name} val_loss:{nats:.4f} val_bpb:{bpb:.4f} eval_time:{spent:.0f}ms")
        log0(f"{name}_exact val_loss:{nats:.8f} val_bpb:{bpb:.8f}")
    if distributed:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
