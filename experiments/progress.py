"""One line on stderr: the stage, how far, how fast, how long still."""

import sys
import time


class Progress:
    """``report(stage, done, total)`` for a :class:`~experiments.lab.Lab`; on a terminal it rewrites one line."""

    def __init__(self, title: str, stream=sys.stderr, every_s: float = 10.0):
        self.title, self.stream, self.every_s = title, stream, every_s
        self.live = stream.isatty()
        self.stage, self.first, self.since, self.shown = None, 0, 0.0, 0.0
        self.begun = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self.stage:
            self.stage, self.first, self.since, self.shown = stage, done, now, 0.0
        if not self.live and done < total and now - max(self.shown, self.since) < self.every_s:
            return
        self.shown = now
        elapsed, steps = now - self.since, done - self.first
        line = f"{self.title}: {stage}"
        if total > 1:
            line += f" {done}/{total}"
        if steps and total > 1:
            rate = steps / max(elapsed, 1e-9)
            line += f"  {rate:.3g}/s  {_clock((total - done) / rate)} left"
        if done == total:
            line += f"  {_clock(elapsed)}"
        if self.live:
            end = "\n" if done == total else ""
            print(f"\r\033[K{line}", end=end, file=self.stream, flush=True)
        else:
            print(line, file=self.stream, flush=True)

    def close(self, message: str) -> None:
        """End with a line of its own."""
        print(f"{self.title}: {message} after {_clock(time.monotonic() - self.begun)}", file=self.stream, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
