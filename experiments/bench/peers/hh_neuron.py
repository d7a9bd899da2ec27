"""Single-compartment Hodgkin-Huxley cells in NEURON (or CoreNEURON): prints JSON with neuron-steps a second.

python hh_neuron.py CELLS MILLISECONDS THREADS [coreneuron]
"""

import json
import sys
import time

import neuron
from neuron import h

cells, duration, threads = (int(float(word)) for word in sys.argv[1:4])
core = "coreneuron" in sys.argv[4:]
h.load_file("stdrun.hoc")

sections, clamps = [], []
for i in range(cells):
    section = h.Section(name=f"cell{i}")
    section.L = section.diam = 100 / 3.141592653589793**0.5  # 1e-4 cm2, so 0.1 nA is 1 uA/cm2
    section.insert("hh")
    section.el_hh = -54.387
    clamp = h.IClamp(section(0.5))
    clamp.dur, clamp.amp = 1e9, 0.1 * (9.5 + i / cells)
    sections.append(section)
    clamps.append(clamp)

context = h.ParallelContext()
context.nthread(threads)
h.dt = 0.025
h.celsius = 6.3
h.cvode.cache_efficient(1)
context.set_maxstep(10)
if core:
    from neuron import coreneuron

    coreneuron.enable = True
    coreneuron.verbose = 0


def peak_mb():
    """The most memory this process has held: Linux counts it anew from the start of the program, getrusage does not."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e3


def seconds(length):
    h.finitialize(-65)
    start = time.perf_counter()
    context.psolve(length)
    return time.perf_counter() - start


seconds(1)
taken = seconds(duration) - (seconds(1) if core else 0.0)  # CoreNEURON copies the model out and back at each call
steps = (duration - (1 if core else 0)) / h.dt
print(json.dumps({
    "neuron_steps_per_second": cells * steps / taken, "compile_seconds": 0.0, "peak_mb": peak_mb(), "version": neuron.__version__,
}))  # fmt: skip
