"""The guides agree with the product and render to safe, self-contained HTML in both languages."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.loader import catalogue_folders, load
from config.settings import KNOWN, Settings
from processes.algorithms.survey_parcels import Fault
from server.guide import render
from server.guide.render import GuidePage, contents, page, to_page
from server.problems import KINDS
from server.web import pages
from server.web.words import LANGUAGES

EVERY = [(lang, entry.name) for lang in LANGUAGES for entry in contents(lang)]
every_guide = pytest.mark.parametrize(("lang", "name"), EVERY)


def source(lang: str, name: str) -> str:
    (path,) = (render.FOLDER / lang).glob(f"*-{name}.md")
    return path.read_text("utf-8")


def blocks(text: str, language: str) -> Iterator[str]:
    """The fenced blocks of one language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def guide(lang: str, name: str) -> GuidePage:
    found = page(lang, name)
    assert found is not None
    return found


def test_both_languages_have_the_same_guides_in_the_same_order() -> None:
    zh, en = ([entry.name for entry in contents(lang)] for lang in LANGUAGES)

    assert (
        zh
        == en
        == [
            "first-steps",
            "clients",
            "processes",
            "keys",
            "operating",
            "layers",
            "loading",
            "querying",
            "compliance",
        ]
    )


@pytest.mark.parametrize("name", [entry.name for entry in contents("zh")])
def test_the_commands_are_the_same_in_both_languages(name: str) -> None:
    zh, en = (list(blocks(source(lang, name), "(?:bash|console|text)")) for lang in LANGUAGES)

    assert zh == en


@every_guide
def test_every_guide_renders_without_script_style_or_markup_of_its_own(
    lang: str, name: str
) -> None:
    found = guide(lang, name)

    assert found.title
    assert not re.search(r"<(script|style|img|iframe|h1)|style=|\son\w+=", found.html)
    assert all(
        re.match(r"https?://|/(?!/)|#", href) for href in re.findall('href="([^"]*)"', found.html)
    )
    assert all('scope="col"' in header for header in re.findall("<th[^e>]*>", found.html))


@every_guide
def test_every_guide_fits_its_face(lang: str, name: str) -> None:
    found = guide(lang, name)
    document = {
        "title": found.title,
        "name": name,
        "contents": [entry._asdict() for entry in contents(lang)],
        "html": found.html,
    }

    html = pages.render("guide.html", document, lang=lang, path=f"/guide/{name}", alternates=())

    assert found.html in html
    assert html.count('aria-current="page"') == 2  # in the breadcrumbs and in the contents


@every_guide
def test_a_link_to_a_guide_leads_to_one(lang: str, name: str) -> None:
    linked = re.findall(r"\]\(/guide/([^)]*)\)", source(lang, name))

    assert set(linked) <= {entry.name for entry in contents(lang)}


@pytest.mark.parametrize(
    ("lang", "name"),
    [("zh", "../render"), ("zh", "first-steps.md"), ("zh", "1-first-steps"), ("zh", ""),
     ("..", "keys"), ("fr", "keys")],
)  # fmt: skip
def test_a_name_that_is_no_guide_finds_nothing(lang: str, name: str) -> None:
    assert page(lang, name) is None


def test_html_in_a_guide_is_shown_as_text() -> None:
    found = to_page("# T\n\n<script>alert(1)</script> `<b>`\n\n```bash\n<i>\n```\n", lang="zh")

    assert "<script" not in found.html
    assert "&lt;script&gt;" in found.html
    assert "&lt;i&gt;" in found.html


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example/x"])
def test_a_link_to_another_scheme_or_hidden_host_is_no_link(address: str) -> None:
    assert "<a" not in to_page(f"# T\n\n[x]({address})\n", lang="zh").html


def test_links_keep_the_language_of_the_guide() -> None:
    assert 'href="/guide/keys?lang=en"' in to_page("# T\n\n[x](/guide/keys)\n", lang="en").html


def test_the_alignment_of_a_table_is_a_class() -> None:
    assert '<td class="right">1</td>' in to_page("# T\n\n|a|\n|--:|\n|1|\n", lang="zh").html


def test_a_guide_without_a_title_is_refused() -> None:
    with pytest.raises(ValueError, match="heading of the first level"):
        to_page("text", lang="zh")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_operating_guide_lists_exactly_the_settings(lang: str) -> None:
    listed = re.findall(r"^\| `ONEMAP_(\w+)` \|", source(lang, "operating"), re.M)

    assert sorted(listed) == sorted(KNOWN)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_keys_guide_lists_exactly_the_roles(lang: str, tmp_path: Path) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", source(lang, "keys"), re.M)
    settings = Settings(home=tmp_path, store=tmp_path)

    assert sorted(listed) == sorted(load(catalogue_folders(settings)).roles)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_layer_of_the_guide_is_a_sound_catalogue(lang: str, tmp_path: Path) -> None:
    (entry,) = re.findall(r"<<'YAML'\n(.*?)^YAML$", source(lang, "layers"), re.M | re.S)
    (tmp_path / "parking.yaml").write_text(entry, "utf-8")
    settings = Settings(home=tmp_path, store=tmp_path, catalogue=(tmp_path,))

    assert "parking" in load(catalogue_folders(settings)).layers


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_compliance_guide_lists_exactly_the_faults_of_parcels(lang: str) -> None:
    (told,) = re.findall(r"^.*`faults\[\]\.code`.*$", source(lang, "compliance"), re.M)
    codes = re.findall(r"`([a-z_]+)`", told)

    assert codes[: len(Fault)] == [str(fault) for fault in Fault]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_compliance_guide_names_codes_that_problems_have(lang: str) -> None:
    rows = re.findall(
        r"^\| ((?:`[A-Z]\w+`[、, ]*)+)\| (\d{3}) \|", source(lang, "compliance"), re.M
    )
    told = {(code, int(status)) for row, status in rows for code in re.findall(r"`(\w+)`", row)}

    assert len(told) > 8
    assert told <= {(kind.code, kind.status.value) for kind in KINDS.values()}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_local_rules_of_the_guide_are_sound(lang: str, tmp_path: Path) -> None:
    (entry,) = blocks(source(lang, "compliance"), "yaml")
    (tmp_path / "rules.yaml").write_text(entry, "utf-8")
    settings = Settings(home=tmp_path, store=tmp_path, catalogue=(tmp_path,))

    (override,) = load(catalogue_folders(settings)).ruleset_overrides
    assert override.ruleset == "national_default"


@every_guide
def test_every_command_is_well_formed_shell_and_leaves_other_hosts_alone(
    lang: str, name: str
) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    for block in blocks(source(lang, name), "bash"):
        checked = subprocess.run(
            [bash, "-n"], input=block, text=True, capture_output=True, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, "")
        assert set(re.findall(r"https?://([^/\s'\":]+)", block)) <= {"127.0.0.1"}
