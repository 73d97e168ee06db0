"""Gradients of parameters: which products and sums share a pass over the rows."""

import pytest

from symcell.graph.ir import MatMul
from tests.declare.text import declare
from tests.schedule.programs import EVERY, program


def gemms(made):
    return ["[{}] = [{}]^T {}".format(" | ".join(outs), " | ".join(p.lefts), right)
            for p in made.products for right, outs in zip(p.rights, p.outs, strict=True)]


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_no_outer_product_is_formed_step_by_step(cell):
    made = program(cell)
    outs = [out for product in made.backward.products for outs in product.outs for out in outs]
    assert not made.forward.products
    applied = {node.matrix for node in made.forward.graph.nodes if isinstance(node, MatMul)}
    assert {f"d_{matrix}" for matrix in applied} == {out.removesuffix(".steps") for out in outs}


def test_the_deltas_of_gru_are_neighbours():
    backward = program("gru").backward
    deltas = next(buffer for buffer in backward.buffers if buffer.name == "all.deltas")
    assert {name for name, _ in deltas.columns} == {"d_a_r", "d_a_z", "d_a_n", "d_U_n_h"}
    assert [(product.lefts, product.rights) for product in backward.products] == [
        (("d_a_n",), ("x",)), (("d_a_z", "d_a_r"), ("h", "x")), (("d_U_n_h",), ("h",))]  # each delta is read once
    order = [name for name, _ in deltas.columns]
    for product in backward.products:
        at = [order.index(name) for name in product.lefts]
        assert at == list(range(at[0], at[0] + len(at)))


def test_weight_gradients_of_one_operand_are_one_product():
    assert gemms(program("lstm").backward) == [
        "[d_U_o | d_U_g | d_U_f | d_U_i] = [d_a_o | d_a_g | d_a_f | d_a_i]^T h",
        "[d_W_o | d_W_g | d_W_f | d_W_i] = [d_a_o | d_a_g | d_a_f | d_a_i]^T x"]
    assert gemms(program("gru_reset_before").backward) == [
        "[d_U_n] = [d_a_n]^T h_r", "[d_W_n] = [d_a_n]^T x",
        "[d_U_z | d_U_r] = [d_a_z | d_a_r]^T h", "[d_W_z | d_W_r] = [d_a_z | d_a_r]^T x"]


def test_a_sum_shares_the_pass_of_its_operand_or_has_one_of_its_own():
    passes = [(product.lefts, [total.out for total in product.sums]) for product in program("gru").backward.products]
    assert passes == [(("d_a_n",), ["d_b_n"]), (("d_a_z", "d_a_r"), ["d_b_r", "d_b_z"]), (("d_U_n_h",), ["d_c_n"])]
    *shared, i, f, o = program("lstm_peephole").backward.products
    assert [len(product.sums) for product in shared] == [4]
    assert [(product.lefts, product.rights, product.outs) for product in (i, f, o)] == [
        ((f"d_p_{k}_t",), (), ()) for k in "ifo"]


def test_two_sums_of_one_value_read_it_once():
    cell = declare("x, h, p, q = Input('H'), State(), Vector('H'), Vector('H')\nh.next = h * x + (p + q)")
    (product,) = program(cell).backward.products
    assert [total.out for total in product.sums] == ["d_p", "d_q"]


def test_the_text_shows_which_sums_share_a_pass():
    lines = str(program("lstm_peephole").backward).splitlines()
    start = lines.index("    d_a_o | d_a_g | d_a_f | d_a_i: read once, for all that follows with them")
    assert [line.split()[0] for line in lines[start + 1:start + 9]] == [*["gemm"] * 2, *["sum"] * 4, "d_p_i_t:", "sum"]
