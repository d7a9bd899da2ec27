"""The experiment at a small size: its claims hold, its figures are drawn, and the devices do not matter."""

import numpy as np
import pytest

from experiments import hodgkin_huxley as experiment


@pytest.mark.slow
def test_quick_run_reproduces_every_claim():
    result = experiment.run(experiment.PRESETS["quick"])
    missed = {c.key: result.measured[c.key] for c in experiment.CLAIMS if not c.holds(np.mean(result.measured[c.key]))}
    assert not missed
    assert result.measured["spike_error_ms_staggered"] < 0.01
    pictures = experiment.figures(result)
    assert set(pictures) == {"one_spike", "gates", "firing", "errors", "population"}


@pytest.mark.parametrize("change", [{"neurons": 7}, {"dt": 0.3}, {"duration": 5.0}])
def test_bad_configs_are_refused_by_name(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        experiment.run(experiment.Config(**change))
