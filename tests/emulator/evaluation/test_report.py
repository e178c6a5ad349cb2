"""The report: one file that needs nothing else, with the numbers of the run in it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from emulator.evaluation.climatology import day_slot
from emulator.evaluation.report.__main__ import main
from emulator.evaluation.report.page import number, page
from emulator.evaluation.report.products import ModelRun, read_products
from emulator.evaluation.report.skill import seasonal_mean
from emulator.evaluation.report.uncertainty import uncertainty_part
from emulator.runs.run_folder import RunFolder
from foundations.file_faults import DamagedFile
from tests.emulator.evaluation.fake_run import EPOCHS, write_run

VOID = {"meta", "br", "hr", "img", "link", "input", "path", "use", "rect", "image", "stop"}


class Reader(HTMLParser):
    """Collects what a browser would fetch, and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href", "data")]
        self.ids += [value or "" for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("report") / "run", sites=24, years=3)
    assert main(["--run-dir", str(folder), "--out", str(folder / "report.html")]) == 0
    return folder


def test_the_page_fetches_nothing(run: Path) -> None:
    reader = read(run / "report.html")
    outside = [
        reference for reference in reader.references if not reference.startswith(("#", "data:image/png;base64,"))
    ]
    assert outside == []
    assert "@import" not in (run / "report.html").read_text()
    assert reader.open == []


def test_links_within_the_page_lead_somewhere_and_ids_are_unique(run: Path) -> None:
    reader = read(run / "report.html")
    missing = {reference[1:] for reference in reader.references if reference.startswith("#")} - set(reader.ids)
    assert missing == set()
    assert len(reader.ids) == len(set(reader.ids))


def test_the_numbers_of_the_run_are_on_it(run: Path) -> None:
    text = " ".join(read(run / "report.html").text)
    for kind in ("lstm", "cham_net", "raci"):
        metrics = json.loads((run / "models" / kind / "evaluation" / "metrics.json").read_text())
        for split in ("temporal", "spatial"):
            methane = metrics["splits"][split]["targets"]["fch4"]
            assert number(methane["pooled"]["rmse"]) in text
            assert number(methane["climatology"]["pooled"]["r2"]) in text
            assert number(methane["uncertainty"]["coverage90"]) in text
            assert number(methane["uncertainty"]["crps"]) in text
    assert "8.00×10⁻⁷" in text  # coupled - offline
    assert f"Training took: LSTM {2 * EPOCHS} s" in " ".join(text.split())  # the log's seconds count from the start
    assert "0" * 12 in text  # git hash


def temporal_rows(run: Path) -> list[list[str]]:
    """Rows of the overview table on held-out years: label, then R2 by target."""
    first = re.search(r"<table>.*?by target.*?</table>", (run / "report.html").read_text(), re.DOTALL)
    assert first is not None
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr.*?</tr>", first[0])]
    starts = [position for position, row in enumerate(rows) if row and row[0]]
    assert rows[starts[0]][0] == "held-out years"
    return [row[1:] for row in rows[starts[0] : starts[1]]]


def test_the_overview_shows_both_climatologies_and_who_saw_past_flux(run: Path) -> None:
    rows = temporal_rows(run)
    assert [label for label, *_ in rows] == [
        "LSTM",
        "CHAM-net, with past flux",
        "CHAM-net, without past flux",
        "RACI",
        "climatology by biome",
        "climatology of the site itself",
    ]
    metrics = json.loads((run / "models" / "cham_net" / "evaluation" / "metrics.json").read_text())
    methane = metrics["splits"]["temporal"]["targets"]["fch4"]
    without = metrics["other_modes"]["temporal_ungauged"]["targets"]["fch4"]
    shown = {label: first_column for label, first_column, *_ in rows}
    assert shown["CHAM-net, with past flux"] == number(methane["pooled"]["r2"], 4)
    assert shown["CHAM-net, without past flux"] == number(without["pooled"]["r2"], 4)
    assert shown["climatology of the site itself"] == number(methane["site_climatology"]["pooled"]["r2"], 4)


def test_the_headline_names_both_climatologies_and_past_flux(run: Path) -> None:
    document = (run / "report.html").read_text()
    years, sites = re.findall(r'methane R² on held-out \w+</span><span class="detail">(.*?)</span>', document)
    metrics = json.loads((run / "models" / "cham_net" / "evaluation" / "metrics.json").read_text())
    without = metrics["other_modes"]["temporal_ungauged"]["targets"]["fch4"]["pooled"]["r2"]
    methane = metrics["splits"]["temporal"]["targets"]["fch4"]
    biome_r2, site_r2 = (number(methane[key]["pooled"]["r2"], 4) for key in ("climatology", "site_climatology"))
    assert years == (
        f"CHAM-net with past flux (without {number(without, 4)}), the best of 3; "
        f"climatology by biome {biome_r2}, of the site itself {site_r2}"
    )
    assert "past flux" not in sites
    assert "site itself" not in sites


def test_a_calendar_day_is_at_the_same_place_of_the_seasonal_cycle_in_leap_years() -> None:
    dates = pd.date_range("2003-01-01", "2005-12-31")
    harvest = (dates.month == 9) & (dates.day == 1)
    cycle = seasonal_mean(np.where(harvest, 15.0, 0.0)[None], day_slot(dates.month, dates.day))
    first_of_september = day_slot(np.array([9]), np.array([1]))[0]
    assert np.flatnonzero(cycle).tolist() == list(range(first_of_september - 7, first_of_september + 8))
    assert cycle[first_of_september] == pytest.approx(1.0)  # one day in fifteen, in each of the three years


def test_a_failing_check_is_shown_as_such(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("models"))
    coupled = json.loads((folder / "coupled" / "coupled.json").read_text())
    (folder / "coupled" / "coupled.json").write_text(json.dumps(coupled | {"restart_bitwise": False}))
    assert main(["--run-dir", str(folder), "--out", str(tmp_path / "report.html")]) == 0
    text = " ".join(read(tmp_path / "report.html").text)
    assert text.count("✗ FAILS") == 1
    assert "NOT exact" in text


def test_a_difference_that_is_not_a_number_fails(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("models"))
    coupled = json.loads((folder / "coupled" / "coupled.json").read_text())
    coupled["targets"]["fch4"] |= {"max_abs_diff": None, "max_diff_over_scale": None}  # NaN, as the file has it
    different = {"equals_offline": False, "max_diff_over_scale": None}
    (folder / "coupled" / "coupled.json").write_text(json.dumps(coupled | different))
    assert main(["--run-dir", str(folder), "--out", str(tmp_path / "report.html")]) == 0
    text = " ".join(read(tmp_path / "report.html").text)
    assert text.count("✗ FAILS") == 1
    assert "not a number coupled ≠ offline: FAILS" in text


def test_parts_that_are_not_there_are_said_to_be_missing(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run / "sims", folder / "sims")
    assert main(["--run-dir", str(folder)]) == 0
    text = " ".join(read(folder / "report.html").text)
    assert "No model was trained" in text
    assert "was not run with an emulator" in text


def test_an_empty_folder_is_an_error_that_names_what_is_looked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--run-dir", str(tmp_path)]) == 1
    assert "sims/dataset.nc" in caplog.text
    assert main(["--run-dir", str(tmp_path / "nowhere")]) == 1
    assert "not a folder" in caplog.text


def test_a_page_that_refers_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="self-contained"):
        page("title", "", [], [("a", "A", '<img src="https://example.org/x.png">')])


def test_text_is_escaped() -> None:
    document = page("a < b & c", "<script>", [("<1>", "&", "x")], [])
    assert "<script>" not in document
    assert "a &lt; b &amp; c" in document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97, "0.97"),
        (12.345, "12.3"),
        (1234.5, "1234"),
        (-0.5, "−0.50"),
        (2.5e-6, "2.50×10⁻⁶"),
        (1e6, "1.00×10⁶"),
        (0.0, "0.00"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_figures_use_the_page_colours_and_say_what_they_are(run: Path) -> None:
    document = (run / "report.html").read_text()
    pictures = re.findall(r"<svg[^>]*>", document)
    assert len(pictures) >= 8
    assert all('role="img"' in picture and "aria-label=" in picture for picture in pictures)
    assert "var(--ink)" in document
    assert document.count("<figcaption>") == document.count("<figure>") == len(pictures)


def test_a_run_without_quantiles_has_no_part_on_uncertainty(run: Path) -> None:
    assert "Uncertainty of" in (run / "report.html").read_text()
    folder = RunFolder(run / "models" / "lstm")
    model = ModelRun("lstm", folder, json.loads(folder.metrics.read_text()))
    assert "held by 90 % interval" in uncertainty_part({"lstm": model}, "fch4")
    for part in model.metrics["splits"].values():
        for target in part["targets"].values():
            del target["uncertainty"]
    assert uncertainty_part({"lstm": model}, "fch4") == ""


def test_predictions_are_joined_by_the_names_of_sites(run: Path) -> None:
    model = read_products(run).models["lstm"]
    with xr.open_dataset(model.folder.predictions) as file:
        predictions = file.load()
    shuffled = predictions.isel(site=np.random.default_rng(1).permutation(predictions.sizes["site"]))
    assert model._in_order(shuffled, model.simulations).identical(predictions)
    names = predictions["site_id"].values.copy()
    names[2] = "elsewhere"
    other = predictions.assign_coords(site_id=("site", names))
    with pytest.raises(DamagedFile, match=r"predictions\.nc: has other sites than .*dataset\.nc \(such as '"):
        model._in_order(other, model.simulations)
    with pytest.raises(DamagedFile, match=r"predictions\.nc: has other days than .*dataset\.nc; run python -m"):
        model._in_order(predictions.isel(time=slice(5, None)), model.simulations)


DAMAGE = {
    "coupled/coupled.json": "{}",
    "steps.json": '{"simulate": 3}',
    "sims/simulation.json": "[]",
    "models/lstm/evaluation/metrics.json": '{"kind": "lstm", "splits": {"temporal": 3}}',
    "models/lstm/log.jsonl": "no log\n",
    "models/lstm/config.yaml": "\udcff",
    "coupled/series.nc": "no netCDF",
    "sims/dataset.nc": "",
}


LATE = ("models/lstm/config.yaml", "coupled/series.nc")
"""Read when most figures are drawn."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LATE else name for name in DAMAGE]
)
def test_a_damaged_product_is_one_line_with_its_name(run: Path, tmp_path: Path, caplog, name: str) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / name).write_bytes(DAMAGE[name].encode("utf-8", "surrogateescape"))
    assert main(["--run-dir", str(copy)]) == 1
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert str(copy / name) in record.getMessage() and "\n" not in record.getMessage()
