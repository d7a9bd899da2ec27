"""Single-compartment Hodgkin-Huxley cells in Brian2, C++ standalone, exponential Euler: prints JSON with neuron-steps a
second.

python hh_brian2.py CELLS MILLISECONDS
"""

import json
import sys
import tempfile
import time

import brian2
from brian2 import NeuronGroup, SpikeMonitor, defaultclock, device, ms, set_device

cells, duration = (int(float(word)) for word in sys.argv[1:3])


def peak_mb():
    """The most memory this process has held: Linux counts it anew from the start of the program, getrusage does not."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e3


set_device("cpp_standalone", build_on_run=False)
defaultclock.dt = 0.025 * ms

group = NeuronGroup(
    cells,
    """
    dv/dt = (I - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.387)) / ms : 1
    dm/dt = (am * (1 - m) - bm * m) / ms : 1
    dh/dt = (ah * (1 - h) - bh * h) / ms : 1
    dn/dt = (an * (1 - n) - bn * n) / ms : 1
    am = 1 / exprel(-(v + 40) / 10) : 1
    bm = 4 * exp(-(v + 65) / 18) : 1
    ah = 0.07 * exp(-(v + 65) / 20) : 1
    bh = 1 / (1 + exp(-(v + 35) / 10)) : 1
    an = 0.1 / exprel(-(v + 55) / 10) : 1
    bn = 0.125 * exp(-(v + 65) / 80) : 1
    I : 1
    """,
    method="exponential_euler",
    threshold="v > 0",
    refractory="v > 0",
)
group.v, group.m, group.h, group.n = -65, 0.0529, 0.596, 0.3177
group.I = "9.5 + i / N"
monitor = SpikeMonitor(group, record=False)
brian2.run(duration * ms)
begin = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    device.build(directory=folder, compile=True, run=True, with_output=False)
    taken = device._last_run_time
print(json.dumps({
    "neuron_steps_per_second": cells * duration / 0.025 / taken,
    "compile_seconds": time.perf_counter() - begin - taken,
    "peak_mb": peak_mb(),
    "version": brian2.__version__,
}))  # fmt: skip
