"""Zoneout and variational dropout are those of the papers: against PyTorch written by hand."""

import numpy as np
import pytest
import torch

import symcell
from symcell import Cell, Constant, Input, Matrix, State, Vector, draw_noise, tanh, where
from symcell.transforms.dropout import variational_dropout, zoneout
from tests.transforms.lstm_in_torch import RATES, SIZES, assert_like_torch, lstm_in_torch, problem, zoned_by


def test_zoneout_is_that_of_the_paper():
    cell = zoneout("lstm", RATES)
    params, x, noise, states, dy = problem("lstm", cell)
    assert_like_torch(cell, params, {"x": x, **noise}, states, dy,
                      lambda p, xs, start: lstm_in_torch(p, xs, start, zoned=zoned_by(noise)))


def test_an_update_that_reads_the_mixture_would_be_noticed():
    """The easy mistake: h from the memory after zoneout. The comparison above must see it."""
    noise = draw_noise(zoneout("lstm", RATES), 0, T=6, B=4, dtype="float64", **SIZES)

    class Wrong(Cell):
        x, zone_h, zone_c = Input(), Input("H"), Input("H")
        h, c = State(), State()
        W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
        b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)
        r, q = Constant(0.25), Constant(0.5)
        i = symcell.sigmoid(W_i @ x + U_i @ h + b_i)
        f = symcell.sigmoid(W_f @ x + U_f @ h + b_f)
        g = tanh(W_g @ x + U_g @ h + b_g)
        o = symcell.sigmoid(W_o @ x + U_o @ h + b_o)
        c.next = where(zone_c < q, c, f * c + i * g)
        h.next = where(zone_h < r, h, o * tanh(c.next))

    params, x, _, states, dy = problem("lstm")
    with pytest.raises(AssertionError):
        assert_like_torch(Wrong, params, {"x": x, **noise}, states, dy,
                          lambda p, xs, start: lstm_in_torch(p, xs, start, zoned=zoned_by(noise)))


def test_variational_dropout_is_that_of_the_paper():
    cell = variational_dropout("lstm", {"x": 0.25, "h": 0.5})
    assert cell.spec.whole == ("drop_x", "drop_h")
    params, x, noise, states, dy = problem("lstm", cell)
    masks = {name: torch.tensor(np.where(noise[f"drop_{name}"] < rate, 0, 1 / (1 - rate)))
             for name, rate in (("x", 0.25), ("h", 0.5))}
    assert all(0 < (mask == 0).double().mean() < 1 for mask in masks.values())
    assert_like_torch(cell, params, {"x": x, **noise}, states, dy,
                      lambda p, xs, start: lstm_in_torch(p, xs, start, masked=lambda n, v: masks[n] * v))


def test_both_at_once():
    cell = variational_dropout(zoneout("lstm", RATES), {"h": 0.5})
    params, x, noise, states, dy = problem("lstm", cell)
    assert list(noise) == ["zone_h", "zone_c", "drop_h"]
    mask = torch.tensor(np.where(noise["drop_h"] < 0.5, 0.0, 2.0))
    assert_like_torch(cell, params, {"x": x, **noise}, states, dy, lambda p, xs, start: lstm_in_torch(
        p, xs, start, zoned=zoned_by(noise), masked=lambda n, v: mask * v if n == "h" else v))
