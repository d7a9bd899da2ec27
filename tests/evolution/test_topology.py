"""Networks that grow: places are markings, dense is sparse, species by hand, and XOR, which none can do without growing."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.evolution import growth
from redes_jax.evolution.asktell import evolve
from redes_jax.evolution.genomes import (
    Genome,
    distance,
    feed_forward,
    hidden_nodes,
    minimal,
    reachable,
    recurrent,
    size,
)
from redes_jax.evolution.speciation import Species, reproduce, speciate
from redes_jax.evolution.topology import neat
from redes_jax.process import iterate

INPUTS, OUTPUTS, HIDDEN = 3, 2, 6
SENSORS = INPUTS + 1


def _constant(key, genome, input):
    del genome, input
    return jax.random.uniform(key)


@pytest.fixture(scope="module")
def grown():
    """Populations after many eager generations without selection: feed-forward ones and cyclic ones."""
    numbers = growth.Numbers(add_node=0.2, add_link=0.4, threshold=2.0)

    @partial(jax.jit, static_argnames="cyclic")
    def grow(key, cyclic):
        strategy = neat(INPUTS, OUTPUTS, 40, species=5, cyclic=cyclic, numbers=numbers)
        process = evolve(strategy, _constant)
        state = process.init(key, minimal(INPUTS, OUTPUTS, HIDDEN))
        return iterate(process.step, key, state, length=40)[0]

    return {cyclic: grow(jax.random.key(3), cyclic) for cyclic in (False, True)}


def _members(genomes):
    return [Genome._make(map(np.asarray, member)) for member in zip(*genomes, strict=True)]


def _sigmoid(x):
    return 1 / (1 + np.exp(-4.9 * x))


def _links(genome, genes):
    """Pairs of nodes, numbered as the rows are."""
    return [(int(i), SENSORS + int(j)) for i, j in zip(*np.nonzero(genes), strict=True)]


def test_feed_forward_genomes_stay_without_cycles_and_grow(grown):
    population = grown[False].population
    nodes, connections = size(population, OUTPUTS)
    assert nodes.max() >= 4 and connections.max() > SENSORS * OUTPUTS + 4
    for genome in _members(population):
        links = _links(genome, genome.present)
        assert all(i < SENSORS or i >= SENSORS + OUTPUTS for i, _ in links)  # outputs feed nothing
        remaining = set(range(SENSORS + OUTPUTS + HIDDEN))
        while remaining:  # Kahn 1962: without cycles there is always a node that no other one feeds
            free = {node for node in remaining if not any(j == node and i in remaining for i, j in links)}
            assert free
            remaining -= free


def test_cyclic_genomes_do_close_cycles(grown):
    paths = jax.vmap(partial(reachable, outputs=OUTPUTS))(grown[True].population)
    assert np.einsum("mii->m", np.asarray(paths)).any()


@pytest.mark.parametrize("cyclic", [False, True])
def test_genomes_are_whole(grown, cyclic):
    for genome in _members(grown[cyclic].population):
        assert not (genome.enabled & ~genome.present).any()
        assert not genome.weights[~genome.present].any()
        has = genome.present[:, OUTPUTS:].any(0)
        assert not genome.present[-HIDDEN:][~has].any()  # a node that is not there feeds nothing
        assert genome.present[-HIDDEN:][has].any(1).all()  # and one that is there was born with a way out


def test_dense_network_equals_plain_evaluation(grown, key):
    observations = np.asarray(jax.random.normal(key, (5, INPUTS)))
    population = grown[False].population
    act = jax.jit(lambda x: jax.vmap(lambda genome: jax.vmap(feed_forward(genome, OUTPUTS))(x))(population))
    dense = np.asarray(act(observations))
    for genome, outputs in zip(_members(population), dense, strict=True):
        links = _links(genome, genome.enabled)

        def value(node, seen, links=links, genome=genome):
            if node < SENSORS:
                return np.append(seen, 1.0)[node]
            fed = [value(i, seen) * float(genome.weights[i, j - SENSORS]) for i, j in links if j == node]
            return _sigmoid(sum(fed))

        expected = [[value(SENSORS + k, seen) for k in range(OUTPUTS)] for seen in observations]
        np.testing.assert_allclose(outputs, expected, rtol=2e-4, atol=1e-5)


def test_recurrent_network_equals_a_plain_loop(grown, key):
    observations = np.asarray(jax.random.normal(key, (6, INPUTS)))

    @jax.jit
    def play(genome):
        network = recurrent(genome, OUTPUTS)
        return iterate(network.step, key, network.init(key), observations)[1]

    for genome in _members(jax.tree.map(lambda leaf: leaf[:10], grown[True].population)):
        links = [(i, j, genome.weights[i, j - SENSORS]) for i, j in _links(genome, genome.enabled)]
        units = np.zeros(SENSORS + OUTPUTS + HIDDEN)
        for seen, outputs in zip(observations, play(genome), strict=True):
            units[:SENSORS] = [*seen, 1]
            totals = np.zeros_like(units)
            for i, j, weight in links:
                totals[j] += weight * units[i]
            units[SENSORS:] = _sigmoid(totals[SENSORS:])
            np.testing.assert_allclose(outputs, units[SENSORS : SENSORS + OUTPUTS], rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("cyclic", [False, True])
def test_a_child_has_genes_of_its_parents_only(grown, cyclic, key):
    fitter = grown[cyclic].population
    other = jax.tree.map(lambda leaf: leaf[::-1], fitter)
    child = growth.crossover(key, fitter, other)
    np.testing.assert_array_equal(child.present, fitter.present)
    from_other = np.asarray(child.weights != fitter.weights)
    np.testing.assert_array_equal(child.weights[from_other], other.weights[from_other])
    assert other.present[from_other].all()
    differ = np.asarray(fitter.present & other.present & (fitter.weights != other.weights))
    assert 0.4 < from_other[differ].mean() < 0.6
    off_in_one = np.asarray(fitter.present & ~(fitter.enabled & (other.enabled | ~other.present)))
    assert child.enabled[np.asarray(fitter.present) & ~off_in_one].all()
    assert 0.15 < np.asarray(child.enabled)[off_in_one].mean() < 0.35  # a quarter comes back

    itself = growth.crossover(key, fitter, fitter, disable=1.0)
    jax.tree.map(np.testing.assert_array_equal, itself, fitter)


def _toy(weights, hidden=2):
    """One input and the bias, one output: genes from a dictionary (sender, receiver) -> weight."""
    genome = minimal(1, 1, hidden)
    array, present = np.zeros(genome.weights.shape, np.float32), np.zeros(genome.weights.shape, bool)
    for place, weight in weights.items():
        array[place], present[place] = weight, True
    return Genome(jnp.asarray(array), jnp.asarray(present), jnp.asarray(present))


def test_distance_by_hand():
    one = _toy({(0, 0): 1.0, (1, 0): -0.5, (0, 1): 1.0, (3, 0): 2.0})
    other = _toy({(0, 0): 1.5, (1, 0): 0.5, (1, 2): 3.0})
    # three genes apart: (0, 1), (3, 0), (1, 2); two in common, which differ by 0.5 and 1
    assert distance(one, other, 1.0, 0.4) == pytest.approx(3 + 0.4 * 0.75)
    assert distance(other, one, 2.0, 3.0) == pytest.approx(6 + 3 * 0.75)
    assert distance(one, other, 1.0, 0.4, small=4) == pytest.approx(3 / 4 + 0.4 * 0.75)
    assert distance(one, one) == 0


def test_the_same_split_gets_the_same_node():
    members = [_toy({(0, 0): 1.0, (1, 0): 2.0})] * 4
    genomes = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    draw = jnp.arange(60, dtype=jnp.uint32).reshape(4, 5, 3)
    wanting = jnp.array([True, False, True, True])
    nowhere, free = jnp.full((2, 2), -1), jnp.zeros(2, bool)
    after, origins = growth.split(draw, genomes, wanting, nowhere, free, outputs=1)
    np.testing.assert_array_equal(hidden_nodes(after, 1), [[True, False], [False, False], [True, False], [True, False]])
    np.testing.assert_array_equal(origins, [[0, 0], [-1, -1]])
    expected = np.zeros((5, 3), np.float32)
    expected[0, 0], expected[1, 0], expected[0, 1], expected[3, 0] = 1, 2, 1, 1  # in by 1, out by the old weight
    np.testing.assert_array_equal(after.weights[0], expected)
    np.testing.assert_array_equal(after.enabled[0], (expected != 0) & ~np.eye(5, 3, dtype=bool))
    np.testing.assert_array_equal(after.weights[1], genomes.weights[1])


def test_register_of_nodes_by_hand():
    origins = jnp.array([[0, 0], [1, 0], [0, 0], [5, 5]])
    taken = jnp.array([True, False, True, True])
    has = jnp.zeros((5, 4), bool).at[1, 0].set(True).at[2, jnp.array([0, 2])].set(True)
    wanted = jnp.array([[0, 0], [0, 0], [0, 0], [7, 0], [5, 5]])
    after, node = growth.allocate(origins, taken, jnp.ones(5, bool), wanted, has)
    # the node of that origin; the next one of it; a free one; none is left; the one of (5, 5)
    np.testing.assert_array_equal(node, [0, 2, 1, -1, 3])
    np.testing.assert_array_equal(after, [[0, 0], [0, 0], [0, 0], [5, 5]])
    _, node = growth.allocate(origins, taken, jnp.array([False, True, False, False, False]), wanted, has)
    np.testing.assert_array_equal(node, [-1, 2, -1, -1, -1])


def _no_species(places, like):
    copies = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (places, *leaf.shape)), like)
    return Species(copies, jnp.zeros(places, bool), jnp.full(places, -jnp.inf), jnp.zeros(places, int))


def test_species_are_those_of_the_paper_s_loop(grown):
    population = grown[False].population
    members = _members(population)
    threshold = float(jnp.median(distance(population, jax.tree.map(lambda leaf: leaf[0], population)))) / 2
    found, kinds = speciate(population, _no_species(30, minimal(INPUTS, OUTPUTS, HIDDEN)), threshold)
    representatives, expected, far = [], [], jax.jit(distance)
    for genome in members:
        close = [k for k, other in enumerate(representatives) if far(genome, other) < threshold]
        if not close:
            representatives.append(genome)
        expected.append(close[0] if close else len(representatives) - 1)
    assert 3 < len(representatives) < 30
    np.testing.assert_array_equal(found, expected)
    assert kinds.alive.sum() == len(representatives)
    few, kinds = speciate(population, _no_species(2, minimal(INPUTS, OUTPUTS, HIDDEN)), threshold)
    assert set(np.asarray(few)) == {0, 1} and kinds.alive.all()


def test_children_by_shared_fitness():
    home = jnp.array([0, 0, 0, 1, 2, 2, 0, 2])
    fitness = jnp.array([1.0, 2.0, 3.0, 6.0, 1.0, 0.0, 2.0, 2.0])  # means 2, 6, 1
    kinds = _no_species(4, minimal(1, 1, 1))._replace(
        alive=jnp.arange(4) < 3, record=jnp.array([3.0, 5.0, 2.0, -jnp.inf]), stale=jnp.array([4, 8, 15, 0])
    )
    brood, after = reproduce(fitness, home, kinds, False)
    # the third has stood still for too long; of eight children two go to the first, six to the second
    np.testing.assert_array_equal(brood.children, [2, 6, 0, 0])
    np.testing.assert_array_equal(after.stale[:3], [5, 0, 16])
    np.testing.assert_array_equal(brood.order, [2, 1, 6, 0, 3, 7, 4, 5])
    np.testing.assert_array_equal(brood.first[:3], [0, 4, 5])
    brood, _ = reproduce(fitness, home, kinds, False, patience=100)
    np.testing.assert_array_equal(brood.children, [2, 5, 1, 0])  # 1.8, 5.3, 0.9
    negative, _ = reproduce(fitness - 10, home, kinds, False, patience=100)
    assert negative.children.sum() == 8 and negative.children[1] > 4
    nothing, _ = reproduce(jnp.full(8, -jnp.inf), home, kinds, False)
    assert nothing.children.sum() == 8
    brood, after = reproduce(fitness, home, kinds, True)
    np.testing.assert_array_equal(brood.children > 0, [True, True, False, False])


def test_a_champion_lives_on():
    """On a fitness without chance the best never falls, while its species is large enough to keep it."""

    def weight(key, genome, input):
        return -jnp.abs(genome.weights[0, 0] - 1.234)

    process = evolve(neat(2, 1, 20, species=1), weight)
    shown = iterate(process.step, jax.random.key(0), process.init(jax.random.key(1), minimal(2, 1, 2)), length=40)[1]
    assert (np.diff(shown.best) >= 0).all() and shown.best[-1] > -0.02


CASES, ANSWERS = jnp.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), jnp.array([0.0, 1, 1, 0])


@pytest.mark.slow
def test_xor_is_solved():
    def fitness(key, genome, input):
        del key, input
        outputs = jax.vmap(feed_forward(genome, 1))(CASES)[:, 0]
        right = jnp.all((outputs >= 0.5) == (ANSWERS >= 0.5))
        return (4 - jnp.abs(outputs - ANSWERS).sum()) ** 2 + jnp.where(right, 16, 0)

    process = evolve(neat(2, 1), fitness)

    @jax.jit
    def run(key):
        state = process.init(key, minimal(2, 1, 16))
        seen = iterate(process.step, key, state, length=100, observe=lambda state, shown: (shown.best, state.best))[1]
        solved = seen[0] > 16
        return solved.any(), jax.tree.map(lambda leaf: leaf[jnp.argmax(solved)], seen[1])

    solved, answers = jax.lax.map(run, jax.random.split(jax.random.key(0), 12))
    assert solved.mean() >= 0.75
    assert (size(answers, 1)[0][solved] >= 1).all()  # XOR is not linear, so no solution is without a hidden node


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: minimal(0, 1, 3), "inputs 0"),
        (lambda: neat(2, 1, population=1), "population 1"),
        (lambda: neat(2, 1, species=0), "species 0"),
        (lambda: neat(2, 1).init(jax.random.key(0), minimal(3, 1, 4)), "minimal\\(2, 1, hidden\\)"),
    ],
)
def test_bad_numbers_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
