"""Branched Hodgkin-Huxley cells in NEURON: prints JSON with compartment-steps a second.

python tree_neuron.py CELLS MILLISECONDS THREADS

Each cell: a soma and twelve branches of eight compartments, as in ``experiments/bench/trees.py``.
"""

import json
import sys
import time

import neuron
from neuron import h

PARENTS = (-1, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5)
cells, duration, threads = (int(word) for word in sys.argv[1:4])
h.load_file("stdrun.hoc")

kept = []
for i in range(cells):
    sections = []
    for k, parent in enumerate(PARENTS):
        section = h.Section(name=f"cell{i}_{k}")
        section.nseg = 1 if k == 0 else 8
        section.L, section.diam, section.Ra = 20.0 * section.nseg, 20.0 if k == 0 else 2.0, 100.0
        section.insert("hh")
        section.el_hh = -54.387
        if parent >= 0:
            section.connect(sections[parent](1))
        sections.append(section)
    clamp = h.IClamp(sections[0](0.5))
    clamp.dur, clamp.amp = 1e9, 0.5 + i / cells
    kept.append((sections, clamp))

context = h.ParallelContext()
context.nthread(threads)
h.dt, h.celsius = 0.025, 6.3
h.cvode.cache_efficient(1)
context.set_maxstep(10)


def seconds(length):
    h.finitialize(-65)
    start = time.perf_counter()
    context.psolve(length)
    return time.perf_counter() - start


seconds(0.25)
taken = seconds(duration)


def peak_megabytes():
    """Of this process alone: what getrusage says includes the parent before it became this program."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


compartments = 1 + 8 * (len(PARENTS) - 1)
print(json.dumps({
    "compartment_steps_per_second": cells * compartments * duration / h.dt / taken,
    "soma_mv": kept[0][0][0](0.5).v,
    "peak_megabytes": peak_megabytes(),
    "version": neuron.__version__,
}))  # fmt: skip
