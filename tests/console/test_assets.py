import re
from pathlib import Path

import pytest
from django.test import Client

from regulars.console.assets import FOLDER, FrontEndMissingError, asset_url, is_hashed, manifest

_PACKAGE = Path(__file__).parents[2] / "src" / "regulars"

pytestmark = pytest.mark.unit


def test_an_asset_is_found_by_its_name() -> None:
    assert re.fullmatch(r"/static/console/console-[0-9A-Z]{8}\.css", asset_url("console.css"))


def test_an_unknown_asset_is_told_with_the_choices() -> None:
    with pytest.raises(FrontEndMissingError, match=r"it has console\.css"):
        asset_url("nothing.js")


def test_every_icon_that_a_template_draws_is_in_the_sprite() -> None:
    drawn = {
        name
        for template in _PACKAGE.glob("*/templates/**/*.html")
        for name in re.findall(r'{% icon "([\w-]+)"', template.read_text(encoding="utf-8"))
    }
    sprite = (FOLDER / manifest()["icons.svg"]).read_text(encoding="utf-8")
    assert sorted(drawn - set(re.findall(r'<symbol id="([\w-]+)"', sprite))) == []


def test_no_template_carries_what_the_policy_forbids() -> None:
    forbidden = re.compile(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|hx-on|javascript:")
    found = [
        f"{template.name}: {match[0]}"
        for template in _PACKAGE.glob("*/templates/**/*.html")
        # A file that people take away stands alone, and so does a message in a frame of its own.
        if template.name not in ("person.html", "plain_frame.html")
        and (match := forbidden.search(template.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_hashed_files_are_kept_for_ever_and_sent_compressed() -> None:
    url = asset_url("console.js")
    assert is_hashed("", url)
    assert not is_hashed("", "/static/console/manifest.json")
    response = Client().get(url, headers={"Accept-Encoding": "br"})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert response.headers["Content-Encoding"] == "br"


def test_the_front_end_names_no_machine_of_ours() -> None:
    lock = (_PACKAGE.parents[1] / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
