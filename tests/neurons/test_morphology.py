"""Sections cut into compartments, the textbook's shapes, and SWC files."""

import numpy as np
import pytest

from redes_jax.data import morphology as data
from redes_jax.neurons import morphology, swc
from redes_jax.neurons.morphology import Section, cut

SHAPES = (morphology.unipolar, morphology.bipolar, morphology.multipolar, morphology.axonless)


def test_a_cone_has_its_closed_form():
    """From 4 to 2 um over 30 um: lateral area pi (r1 + r2) s, resistance integral h / (pi r1 r2)."""
    points = [(0, 0, 0, 4.0), (0, 0, 10, 4.0 - 2 / 3), (0, 0, 30, 2.0)]
    cell = cut([Section("dendrite", points=points, compartments=5)])
    g = cell.geometry
    assert g.area.sum() == pytest.approx(np.pi * 3.0 * np.hypot(30.0, 1.0))
    assert (g.proximal + g.distal).sum() == pytest.approx(30.0 / (np.pi * 2.0 * 1.0))
    assert (np.diff(g.area) < 0).all()
    np.testing.assert_allclose(cell.distance, [3, 9, 15, 21, 27])
    np.testing.assert_allclose(cell.line[:, 1, 2], [6, 12, 18, 24, 30])


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_whole(shape):
    cell = shape()
    assert cell.wiring.compartments == len(cell.kinds) == len(cell.geometry.area)
    assert (cell.geometry.area > 0).all() and cell.kinds[0] == "soma"
    assert ("axon" in cell.kinds) == (shape is not morphology.axonless)


def test_types_differ_in_the_processes_that_leave_the_soma():
    leaving = {}
    for shape in SHAPES:
        cell = shape()
        near = [i for i, line in enumerate(cell.line[:, 0]) if cell.kinds[i] != "soma" and cell.section[i] != 0]
        leaving[shape.__name__] = sum(
            np.ptp([*cell.line[0, :, 1], cell.line[i, 0, 1]]) <= 30.1
            and abs(cell.line[i, 0, 0]) < 1e-9
            and cell.distance[i] < 45
            for i in near
        )
    assert leaving["unipolar"] < leaving["bipolar"] < leaving["multipolar"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ([Section("soma", 10, 10, parent=0)], "section 0 hangs on 0"),
        ([Section("soma", 10, 10), Section("axon", 0, 1, 0)], "section 1 .axon. needs a length"),
        ([Section("soma", 10, 10), Section("axon", 5, 1, 0, compartments=0)], "section 1 has 0 compartments"),
        ([Section("soma", 10, 10, compartments=2), Section("axon", 5, 1, 0, 0.5)], "section 0, which has 2 compart"),
    ],
)
def test_wrong_sections_are_named(sections, message):
    with pytest.raises(ValueError, match=message):
        cut(sections)


def test_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"no compartment is of kind \['axon'\]"):
        morphology.axonless().on("axon")


LETTER_Y = """# a soma of one point, a dendrite that divides, an axon
1 1 0 0 0 5 -1
2 3 10 0 0 1 1
3 3 50 0 0 1 2
4 3 80 30 0 0.5 3
5 3 80 -30 0 0.5 3
6 2 -20 0 0 0.4 1
"""


def test_swc_sections():
    soma, *others = swc.sections(LETTER_Y, longest=20.0)
    assert soma.kind == "soma"
    cell = cut([soma, *others])
    assert cell.geometry.area[0] == pytest.approx(4 * np.pi * 5.0**2)
    by_kind = {kind: [s for s in others if s.kind == kind] for kind in ("dendrite", "axon")}
    assert len(by_kind["dendrite"]) == 3 and len(by_kind["axon"]) == 1
    trunk = by_kind["dendrite"][0]
    assert trunk.parent == 0 and trunk.at == 0.5 and trunk.compartments == 3
    assert by_kind["dendrite"][1].points[0, 3] == 2.0  # begins as thick as its parent's end
    assert by_kind["axon"][0].points[0, 3] == 0.8  # begins as thick as itself


def test_three_point_soma_is_a_sphere():
    text = "1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 3 30 0 0 1 1"
    cell = cut(swc.sections(text))
    assert cell.geometry.area[cell.on("soma") > 0].sum() == pytest.approx(4 * np.pi * 5.0**2)


def test_order_of_lines_does_not_matter():
    lines = LETTER_Y.splitlines()
    np.testing.assert_allclose(
        sorted(cut(swc.sections("\n".join(lines[::-1]))).geometry.area),
        sorted(cut(swc.sections(LETTER_Y)).geometry.area),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7 3 0 0 0 1 99", "line 8: its parent 99 is no point"),
        ("7 3 0 0 0 1 8\n8 3 0 0 9 1 7", "line 8: point 7 is its own ancestor"),
        ("7 3 0 0 0 one 6", "line 8: '7 3 0 0 0 one 6' is not"),
        ("7 3 0 0 0 1", "line 8: .*seven numbers"),
        ("6 3 0 0 0 1 1", "line 8: point 6 stands on line 7 already"),
        ("7 3 0 0 0 0 6", "line 8: the radius is 0"),
        ("7 1 0 0 0 1 -1", "line 8: a second root, the first is on line 2"),
    ],
)
def test_bad_lines_are_named(line, message, tmp_path):
    path = tmp_path / "cell.swc"
    path.write_text(LETTER_Y + line)
    with pytest.raises(ValueError, match=f"cell.swc: {message}"):
        swc.read(path)


def test_empty_file():
    with pytest.raises(ValueError, match="no points"):
        swc.sections("# nothing")


@pytest.mark.skipif(not data.available(), reason="the CA1 cell is not on disk: set REDES_DATA_DIR or fetch it")
def test_the_real_cell_keeps_its_length_at_any_fineness():
    coarse, fine = (swc.read(data.ca1(), longest=longest) for longest in (100.0, 10.0))
    assert coarse.geometry.area.sum() == pytest.approx(fine.geometry.area.sum())
    assert set(coarse.kinds) == {"soma", "dendrite", "apical"}
    points = swc.points(data.ca1().read_text())
    assert len(points) == 2630
    where = {n: np.array(p[2:5]) for n, p in points.items()}
    length = sum(np.linalg.norm(where[n] - where[p.parent]) for n, p in points.items() if p.parent != -1)
    ours = sum(
        np.linalg.norm(np.diff(s.points[:, :3], axis=0), axis=1).sum() for s in swc.sections(data.ca1().read_text())
    )
    assert ours == pytest.approx(length)
