"""A run as one self-contained page, and a tour as one page over all its runs."""

import base64
import io
import re
from pathlib import Path

import jinja2
import markupsafe
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from experiments import catalogue, checkpoints, folders
from experiments.claims import Picture, Result
from redes_jax.figures import style

_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write(folder: Path) -> Path:
    """Draw the figures of a finished run from its ``result.npz`` and write ``report.html``; computes nothing again.

    Returns:
      The page's path.

    Raises:
      Refused: when the run has not come to its end.
      ValueError: when ``result.npz`` is damaged.
    """
    found = folders.record(folder)
    if not folders.finished(folder):
        raise catalogue.Refused(f"{folder} has not come to its end: go on with --resume {folder}")
    experiment = catalogue.load(found["experiment"])
    result = Result(checkpoints.from_npz(folder / "result.npz"), {})
    (folder / "figures").mkdir(exist_ok=True)
    with style.house():
        pictures = {name: (*_encode(picture), picture.caption) for name, picture in experiment.figures(result).items()}
    for name, (suffix, data, caption) in pictures.items():
        checkpoints.write(folder / "figures" / f"{name}.{suffix}", data)
        checkpoints.write(folder / "figures" / f"{name}.txt", caption.encode())
    page = folder / "report.html"
    checkpoints.write(page, _PAGES.get_template("report.html").render(_section(folder)).encode())
    return page


def write_tour(folder: Path, runs: list[Path], missing: dict[str, str], failures: dict[str, str]) -> Path:
    """The index page over several finished runs, and ``tour.png``, a contact sheet of their first figures.

    Args:
      folder: of the tour.
      runs: finished, in order.
      missing, failures: by experiment, why it was left out or failed.
    """
    sections = [_section(run) for run in runs]
    page = folder / "index.html"
    text = _PAGES.get_template("tour.html").render(sections=sections, missing=missing, failures=failures)
    checkpoints.write(page, text.encode())
    firsts = [next(path for path in _figure_paths(run) if path.suffix == ".png") for run in runs]
    checkpoints.write(folder / "tour.png", _contact_sheet(firsts, [section["name"] for section in sections]))
    return page


def _section(folder):
    found = folders.record(folder)
    doc = catalogue.docstring(found["experiment"])
    title, _, body = doc.partition("\n")
    return {
        "name": found["experiment"],
        "title": title.strip(),
        "paragraphs": [_prose(part) for part in body.strip("\n").split("\n\n") if part and not part.startswith("    ")],
        "record": found,
        "metrics": folders.metrics(folder),
        "figures": [_embedded(path) for path in _figure_paths(folder)],
        "link": f"{folder.name}/report.html",
    }


def _prose(text):
    """One paragraph of a docstring as HTML, its double backticks as code."""
    return markupsafe.Markup(re.sub("``(.+?)``", r"<code>\1</code>", str(markupsafe.escape(" ".join(text.split())))))


def _figure_paths(folder):
    return sorted(
        (path for path in (folder / "figures").iterdir() if path.suffix in (".png", ".gif")),
        key=lambda path: path.stat().st_mtime_ns,
    )


def _embedded(path):
    data = base64.b64encode(path.read_bytes()).decode()
    caption = path.with_suffix(".txt").read_text(encoding="utf-8")
    return {"uri": f"data:image/{path.suffix[1:]};base64,{data}", "caption": caption, "name": path.stem}


def _encode(picture: Picture) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    if isinstance(picture.image, np.ndarray):
        frames = [Image.fromarray(frame).quantize(64, dither=Image.Dither.NONE) for frame in picture.image]
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0, optimize=True)
        return "gif", buffer.getvalue()
    picture.image.savefig(buffer, format="png", dpi=160)
    plt.close(picture.image)
    return "png", buffer.getvalue()


def _contact_sheet(paths, titles, columns=4, width=4.4, heading=0.35, gap=0.2):
    """Pictures of one width (inches), each below what is shortest of the columns so far, in order."""
    images = [plt.imread(path) for path in paths]
    bottoms, places = [0.0] * min(columns, len(images)), []
    for image in images:
        column = int(np.argmin(bottoms))
        height = (width - gap) * image.shape[0] / image.shape[1]
        bottoms[column] += heading + height + gap
        places.append((column, bottoms[column], height))
    with style.house():
        whole = width * len(bottoms), max(bottoms)
        figure = plt.figure(figsize=whole)
        for image, title, (column, bottom, height) in zip(images, titles, places, strict=True):
            left, low = column * width / whole[0], 1.0 - bottom / whole[1]
            ax = figure.add_axes((left, low, (width - gap) / whole[0], height / whole[1]))
            style.bare(ax)
            ax.imshow(image, interpolation="lanczos", aspect="auto")
            ax.set_title(title.replace("_", " "))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return buffer.getvalue()
