"""Train a character model with any cell, in NumPy, on English text that every Python carries.

    python examples/char_lm.py                               # examples/mgu.py, for a minute
    python examples/char_lm.py --cell lstm --seconds 300     # a cell of the zoo
    python examples/char_lm.py --cell my_cell.py:MyCell

    character -> embedding -> the cell -> output layer -> softmax -> the next character

The gradient of the cell comes from symcell; that of what stands around it is written out in
`Model.gradients`. The text is the documentation behind Python's help(). It is cut into streams that are read
side by side, and the state is carried from one piece to the next (truncated backpropagation through time).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import click
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import symcell
from symcell.cli.cells import resolve
from symcell.cli.errors import CliError
from symcell.declare.spec import CellSpec
from symcell.runtime.kernel import Kernel

Array = np.ndarray
Arrays = dict[str, np.ndarray]
HERE = Path(__file__).resolve().parent


# --- the text ------------------------------------------------------------------------------------------


def read_text() -> tuple[str, str]:
    """Return the text to learn from and, apart from it, some to measure with."""
    text = "\n".join(topics[name] for name in sorted(topics))
    cut = len(text) * 95 // 100
    return text[:cut], text[cut:]


def pieces(codes: Array, batch: int, length: int) -> list[tuple[Array, Array]]:
    """Cut a text into B streams, and these into pieces (x, target): (T, B) each, target one ahead of x."""
    steps = (len(codes) - 1) // batch
    x, target = (codes[shift : shift + batch * steps].reshape(batch, steps).T for shift in (0, 1))
    return [(x[first : first + length], target[first : first + length])
            for first in range(0, steps - length + 1, length)]


def unigram_entropy(codes: Array) -> float:
    """Return the loss of a model that knows how frequent each character is, and nothing else."""
    p = np.bincount(codes) / len(codes)
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


# --- the model -----------------------------------------------------------------------------------------


def softmax(z: Array) -> Array:
    """Return exp(z) / sum(exp(z)), over the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@dataclass
class Model:
    """V characters; every dimension of the cell has the same size H, so that any cell fits.

    params: embedding (V, H), output (V, H), bias (V,); the cell's own are called cell.W_f and so on.
    """

    kernel: Kernel
    params: Arrays
    alphabet: str

    @classmethod
    def create(cls, spec: CellSpec, kernel: Kernel, alphabet: str, H: int, seed: int) -> Model:
        """Draw the parameters."""
        random, V = np.random.default_rng(seed), len(alphabet)
        params = {
            "embedding": random.normal(0, 0.3, (V, H)).astype(np.float32),
            "output": random.normal(0, H**-0.5, (V, H)).astype(np.float32),
            "bias": np.zeros(V, np.float32),
        }
        own = kernel.init_params(seed=seed, **dict.fromkeys(spec.dims, H))
        return cls(kernel, params | {f"cell.{name}": value for name, value in own.items()}, alphabet)

    def cell_params(self) -> Arrays:
        """Return the parameters of the cell under the names that it declares."""
        return {name[5:]: value for name, value in self.params.items() if name.startswith("cell.")}

    def encode(self, text: str) -> Array:
        """Return the number of each character."""
        number = {character: n for n, character in enumerate(self.alphabet)}
        return np.array([number[character] for character in text])

    def probabilities(self, y: Array) -> Array:
        """Return (T * B, V): what the output layer expects after each of (T, B, H) outputs of the cell."""
        return softmax(y.reshape(-1, y.shape[-1]) @ self.params["output"].T + self.params["bias"])

    def loss(self, x: Array, target: Array, state: Arrays | None = None) -> float:
        """Return the mean of -log p(target) over (T, B) characters, in nats."""
        y, _ = self.kernel.infer(self.params["embedding"][x], self.cell_params(), state)
        return float(-np.log(self.probabilities(y)[np.arange(x.size), target.ravel()]).mean())

    def gradients(self, x: Array, target: Array, state: Arrays | None) -> tuple[float, Arrays, Arrays]:
        """Return the loss over (T, B) characters, its gradient by parameter, and the state afterwards."""
        run = self.kernel.forward(self.params["embedding"][x], self.cell_params(), state)
        p = self.probabilities(run.y)
        correct = np.arange(x.size), target.ravel()
        loss = float(-np.log(p[correct]).mean())

        dz = p  # d loss / dz of z = output y + bias is (p - 1 at the target) / count
        dz[correct] -= 1
        dz /= x.size
        cell = self.kernel.backward(run, (dz @ self.params["output"]).reshape(run.y.shape))
        onehot = np.eye(len(self.alphabet), dtype=np.float32)[x.ravel()]  # embedding[x] = onehot @ embedding
        gradients = {
            "embedding": onehot.T @ cell.x.reshape(x.size, -1),
            "output": dz.T @ run.y.reshape(x.size, -1),
            "bias": dz.sum(axis=0),
        }
        return loss, gradients | {f"cell.{name}": value for name, value in cell.params.items()}, run.state

    def sample(self, start: str, count: int, seed: int, temperature: float = 0.7) -> str:
        """Return `start` and `count` characters more, each drawn from what the model expects next."""
        random, ready = np.random.default_rng(seed), self.kernel.prepare(self.cell_params())
        text, new, state = start, start, None
        for _ in range(count):
            y, state = self.kernel.infer(self.params["embedding"][self.encode(new)][:, None], ready, state)
            p = self.probabilities(y)[-1].astype(np.float64) ** (1 / temperature)
            new = self.alphabet[random.choice(len(p), p=p / p.sum())]
            text += new
        return text

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return what has to agree for one model's parameters to fit into another."""
        return {name: value.shape for name, value in self.params.items()}

    def save(self, path: Path) -> None:
        """Write the parameters and the alphabet."""
        np.savez(path, alphabet=np.array(list(self.alphabet)), **self.params)

    @classmethod
    def load(cls, path: Path, kernel: Kernel) -> Model:
        """Read what `save` wrote. Arrays only: no code in the file is run."""
        with np.load(path, allow_pickle=False) as file:
            params = {name: file[name] for name in file.files}
        return cls(kernel, params, "".join(params.pop("alphabet")))


# --- training ------------------------------------------------------------------------------------------


class Adam:
    """Kingma and Ba 2014, arXiv:1412.6980, on gradients whose norm over all parameters is at most `clip`."""

    def __init__(self, params: Arrays, clip: float = 1.0) -> None:
        self.params, self.clip, self.steps = params, clip, 0
        self.mean = {name: np.zeros_like(value) for name, value in params.items()}
        self.square = {name: np.zeros_like(value) for name, value in params.items()}

    def update(self, gradients: Arrays, rate: float) -> None:
        """Change the parameters in place (Pascanu et al. 2013, arXiv:1211.5063, for the clipping)."""
        norm = np.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
        scale = np.float32(min(1.0, self.clip / (norm + 1e-12)))
        self.steps += 1
        step = np.float32(rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps))
        for name, gradient in gradients.items():
            g, m, v = gradient * scale, self.mean[name], self.square[name]
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
            self.params[name] -= step * m / (np.sqrt(v) + np.float32(1e-8))


def clock(seconds: float, steps: int | None) -> Iterator[float]:
    """Yield which part of the training is over, before each step: by time, or by number of steps if given."""
    start, done = time.monotonic(), 0
    while (part := done / steps if steps else (time.monotonic() - start) / seconds) < 1:
        yield part
        done += 1


def train(model: Model, data: list[tuple[Array, Array]], parts: Iterator[float], rate: float) -> list[float]:
    """Make a step for each of `parts`, and return the loss of every step."""
    adam, losses, state, told = Adam(model.params), [], None, 0
    step, loss_now = TextColumn("step {task.fields[step]:5d}"), TextColumn("loss {task.fields[loss]:.3f}")
    with Progress(step, BarColumn(), loss_now, TimeElapsedColumn()) as progress:
        task = progress.add_task("", total=1.0, step=0, loss=0.0)
        for part in parts:
            x, target = data[len(losses) % len(data)]
            if len(losses) % len(data) == 0:
                state = None  # the text begins again
            loss, gradients, state = model.gradients(x, target, state)
            if not np.isfinite(loss):
                raise click.ClickException(f"the loss is {loss} at step {len(losses)}; try a smaller --rate.")
            adam.update(gradients, rate * (1 - part))
            losses.append(loss)
            smooth = float(np.mean(losses[-50:]))
            if part >= told / 10:
                progress.console.print(f"step {len(losses):5d}   loss {smooth:.3f}", highlight=False)
                told += 1
            progress.update(task, completed=part, step=len(losses), loss=smooth)
        progress.update(task, completed=1.0)
    return losses


# --- what is left behind -------------------------------------------------------------------------------


def plot(losses: list[float], entropy: float, title: str, path: Path) -> bool:
    """Draw the loss; False where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    width = max(1, len(losses) // 100)
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(losses, color="C0", alpha=0.25, linewidth=0.8)
    axes.plot(np.arange(len(smooth)) + width // 2, smooth, color="C0", label=title)
    axes.axhline(entropy, color="gray", linestyle="--", label="frequencies of characters only")
    axes.set(xlabel="step", ylabel="loss, nats per character")
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return True


def compile_cell(name: str) -> tuple[CellSpec, Kernel]:
    """Return a declaration and its kernel, for a cell named as the command line `symcell` names it."""
    try:
        found = resolve(name)
        if len(found.spec.inputs) != 1:
            raise click.ClickException(f"{found.spec.name} has several inputs; a text is one.")
        return found.spec, symcell.compile(found.cell, progress=click.echo)
    except (CliError, symcell.CellError, symcell.BuildError, symcell.CacheError) as error:
        raise click.ClickException(str(error)) from None


def resumed(fresh: Model, path: Path) -> Model:
    """Return the model saved in a file, which has to be one of the same cell, sizes and text."""
    try:
        model = Model.load(path, fresh.kernel)
    except (OSError, ValueError, KeyError):
        raise click.ClickException(f"{path} was not written by this program.") from None
    if (model.shapes(), model.alphabet) != (fresh.shapes(), fresh.alphabet):
        raise click.ClickException(f"{path} is of another cell, another --hidden, or another Python's text.")
    return model


COUNT, POSITIVE, FILE = click.IntRange(1), click.FloatRange(0, min_open=True), click.Path(path_type=Path)


@click.command(context_settings={"show_default": True})
@click.option("--cell", "name", default=str(HERE / "mgu.py"), help="Zoo name, file.py, or file.py:Class.")
@click.option("--hidden", default=192, type=COUNT, help="Size of every dimension of the cell.")
@click.option("--seconds", default=60.0, type=POSITIVE, help="How long to train.")
@click.option("--steps", type=COUNT, help="How many steps to train instead: repeatable, given the seed.")
@click.option("--batch", default=32, type=COUNT, help="Streams of text side by side.")
@click.option("--length", default=64, type=COUNT, help="Characters of a stream that are read at once.")
@click.option("--rate", default=4e-3, type=POSITIVE, help="Learning rate; it falls to 0 until the end.")
@click.option("--seed", default=0, help="Of the initial parameters and of the sample.")
@click.option("--out", default="build/char_lm", type=FILE, help="Folder for parameters, plot and sample.")
@click.option("--resume", type=FILE, help="Parameters to start from: the model.npz of an earlier run.")
def main(name: str, hidden: int, seconds: float, steps: int | None, batch: int, length: int, rate: float,
         seed: int, out: Path, resume: Path | None) -> None:
    """Train a character model with a cell of your choice, and let it write."""
    spec, kernel = compile_cell(name)
    text, held_out = read_text()
    model = Model.create(spec, kernel, "".join(sorted({*text, *held_out})), hidden, seed)
    if resume:
        model = resumed(model, resume)
    codes = model.encode(text)
    data, test = pieces(codes, batch, length), pieces(model.encode(held_out), 1, len(held_out) - 1)[0]
    if not data:
        raise click.ClickException(f"the text is too short for --batch {batch} --length {length}.")
    entropy, count = unigram_entropy(codes), sum(value.size for value in model.params.values())
    click.echo(f"{spec.name}: {count:,} parameters; {len(text):,} characters to learn from, "
               f"{len(held_out):,} kept apart")

    losses = train(model, data, clock(seconds, steps), rate)
    last = np.mean(losses[-max(1, len(losses) // 20):])
    click.echo(f"{len(losses)} steps: loss {losses[0]:.3f} -> {last:.3f} nats per character "
               f"(frequencies alone: {entropy:.3f})")

    out.mkdir(parents=True, exist_ok=True)
    model.save(out / "model.npz")
    ours, loaded = model.loss(*test), Model.load(out / "model.npz", kernel).loss(*test)
    same = "the same" if ours == loaded else "NOT the same"
    click.echo(f"on text not trained on: {ours:.4f}; after saving and loading: {loaded:.4f}, {same}")
    if plot(losses, entropy, spec.name, out / "loss.png"):
        click.echo(f"the loss: {out / 'loss.png'}")
    else:
        click.echo("no plot: matplotlib is missing (pip install 'symcell[plot]')")

    sample = model.sample("The ", 500, seed)
    (out / "sample.txt").write_text(sample, encoding="utf-8")
    click.echo(f"\n{sample}")


if __name__ == "__main__":
    main()
