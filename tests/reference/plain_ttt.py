"""A plain implementation of test-time training: one document, one chunk, one tensor at a time, with torch's Adam.

It shares only the base model's weights with golf.ttt.engine and golf.ttt.adapters.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from golf.model.gpt import GPT
from golf.ttt.engine import EvalConfig


def norm(x: Tensor) -> Tensor:
    return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 2.0**-23)


def forward(
    model: GPT, tokens: Tensor, adapters: dict[str, Tensor], rope_positions: int, alpha: float | None = None
) -> Tensor:
    """Logits [T, V] of one window; `adapters` maps "q.0.A" and the like to tensors."""
    weights = dict(model.state_dict())
    c = model.config
    T, E = tokens.numel(), c.head_dim

    def adapted(kind: str, layer: int, x: Tensor, y: Tensor) -> Tensor:
        if f"{kind}.{layer}.A" not in adapters:
            return y
        a, b = adapters[f"{kind}.{layer}.A"], adapters[f"{kind}.{layer}.B"]
        return y + (1.0 if alpha is None else alpha / a.shape[0]) * (x @ a.T @ b.T)

    base = c.rope_base
    if rope_positions > c.rope_length:
        base *= (rope_positions / c.rope_length) ** (E / (E - 2))
    frequency = torch.tensor([base ** (-2 * i / E) for i in range(E // 2)])
    angle = torch.arange(T)[:, None] * frequency
    cos, sin = angle.cos(), angle.sin()

    def rotate(x: Tensor) -> Tensor:
        a, b = x[:, : E // 2], x[:, E // 2 :]
        return torch.cat([a * cos + b * sin, -a * sin + b * cos], dim=1)

    buckets = [c.bigram_buckets - 1]
    buckets += [((36313 * int(tokens[i])) ^ (27191 * int(tokens[i - 1]))) % (c.bigram_buckets - 1) for i in range(1, T)]
    x = weights["tok_emb.weight"][tokens]
    x = x + weights["bigram.scale"] * (weights["bigram.embed.weight"][buckets] @ weights["bigram.proj.weight"].T)
    x = norm(x)
    g = torch.sigmoid(weights["smear.gate"])
    x = (1 - g) * x + g * torch.cat([torch.zeros(1, c.model_dim), x[:-1]])
    x0, pushed, half = x, [], c.num_layers // 2
    for layer in range(c.num_layers):
        w = {
            name: weights[f"blocks.{layer}.{name}"]
            for name in ("attn.c_q.weight", "attn.c_k.weight", "attn.c_v.weight")
        }
        if half <= layer < 2 * half:
            x = x + weights["skip_weights"][layer - half] * pushed.pop()
        mix = weights[f"blocks.{layer}.resid_mix"]
        x = mix[0] * x + mix[1] * x0
        h = norm(x)
        q = adapted("q", layer, h, h @ w["attn.c_q.weight"].T)
        k = adapted("k", layer, h, h @ w["attn.c_k.weight"].T)
        v = adapted("v", layer, h, h @ w["attn.c_v.weight"].T)
        heads = []
        for head in range(c.num_heads):
            group = head // (c.num_heads // c.num_kv_heads)
            qh = rotate(norm(q[:, head * E : (head + 1) * E])) * weights[f"blocks.{layer}.attn.q_gain"][head]
            kh, vh = rotate(norm(k[:, group * E : (group + 1) * E])), v[:, group * E : (group + 1) * E]
            z = (qh @ kh.T / math.sqrt(E)).masked_fill(torch.ones(T, T).triu(1).bool(), -math.inf)
            heads.append(z.softmax(-1) @ vh)
        read = torch.cat(heads, dim=1)
        d = weights[f"blocks.{layer}.depth_scale"]
        attn = adapted("o", layer, read, read @ weights[f"blocks.{layer}.attn.proj.weight"].T)
        x = x + d * weights[f"blocks.{layer}.attn_scale"] * attn
        h = norm(x)
        hidden = adapted("fc", layer, h, h @ weights[f"blocks.{layer}.mlp.fc.weight"].T).relu() ** 2
        mlp = adapted("proj", layer, hidden, hidden @ weights[f"blocks.{layer}.mlp.proj.weight"].T)
        x = x + d * weights[f"blocks.{layer}.mlp_scale"] * mlp
        x = x + adapters.get(f"bias.{layer}", torch.zeros(c.model_dim))
        if layer < half:
            pushed.append(x)
    x = norm(x)
    z = adapted("head", -1, x, x @ weights["tok_emb.weight"].T)
    return c.softcap * torch.tanh(z / c.softcap)


def score_document(model: GPT, document: Tensor, config: EvalConfig, a: dict[str, Tensor]) -> Tensor:
    """NLL [n − 1] in nats of one document; `a` holds the starting A of every adapted matrix."""
    n = document.numel() - 1
    if config.protocol == "none" or document.numel() < config.min_document_tokens:
        return F.cross_entropy(forward(model, document[:-1], {}, n), document[1:], reduction="none")
    adapters: dict[str, Tensor] = {}
    groups = []
    for name, start in a.items():
        kind, layer = name.split(".")[0], int(name.split(".")[1])
        outputs = {"head": model.config.vocab_size}.get(kind)
        if outputs is None and kind != "bias":
            matrix = {
                "q": "attn.c_q",
                "k": "attn.c_k",
                "v": "attn.c_v",
                "o": "attn.proj",
                "fc": "mlp.fc",
                "proj": "mlp.proj",
            }
            outputs = model.state_dict()[f"blocks.{layer}.{matrix[kind]}.weight"].shape[0]
        made = {name: start.clone()}
        if kind == "bias":
            made = {f"bias.{layer}": torch.zeros(model.config.model_dim)}
        else:
            made[name.replace(".A", ".B")] = torch.zeros(outputs, start.shape[0])
        lr = config.lr * config.multipliers.at(kind, layer, model.config.num_layers)
        groups.append({"params": [t.requires_grad_() for t in made.values()], "base": lr, "lr": lr})
        adapters.update(made)
    settings = {"betas": config.betas, "eps": config.eps, "weight_decay": config.weight_decay}
    adam = torch.optim.AdamW(groups, **settings) if groups else None
    chunks = math.ceil(n / config.chunk)
    score_first = config.protocol == "score-first"
    passes, steps = (1, config.epochs) if score_first else (config.epochs, 1)
    updates, results = 0, []
    for _ in range(passes):
        nll = torch.zeros(n)
        for chunk in range(chunks):
            first, last = chunk * config.chunk, min((chunk + 1) * config.chunk, n)
            end = first + config.chunk if config.length_blind else last
            start = max(0, end - config.window)
            for step in range(steps if chunk < chunks - 1 else 1):
                logits = forward(model, document[start:last], adapters, end - start, config.alpha)[first - start :]
                loss = F.cross_entropy(logits, document[first + 1 : last + 1], reduction="none")
                if step == 0:
                    nll[first:last] = loss.detach()
                if chunk == chunks - 1 or adam is None:
                    continue
                factor = 1.0
                if config.schedule == "cosine":
                    factor = max(0.5 * (1 + math.cos(math.pi * updates / (config.epochs * chunks))), 0.1)
                if config.schedule == "per-chunk":
                    factor = max(config.chunk_decay**chunk, 0.1)
                for group in adam.param_groups:
                    group["lr"] = group["base"] * factor
                adam.zero_grad()
                loss.mean().backward()
                adam.step()
                updates += 1
        results.append(nll)
    chosen = min(results, key=lambda nll: float(nll.double().sum())) if config.protocol == "min-epoch" else results[-1]
    return chosen * config.nll_factor
