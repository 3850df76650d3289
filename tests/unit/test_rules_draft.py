"""A draft of rules is held against the layers that are bound, as the catalogue's own rules are."""

import pytest

from config.edition_choice import EditionChoice
from config.loader import load, parse
from config.model import Binding, Catalogue
from config.rulebook import Rulebook
from config.settings import PACKAGE_ROOT
from processes.spec import InvalidBody
from processes.workflows.rules_draft import drafted

RULES = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"


@pytest.fixture(scope="module")
def demo() -> Catalogue:
    return load((PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue", PACKAGE_ROOT / "demo"))


def test_a_draft_that_reads_a_table_as_a_layer_is_refused_at_the_binding(demo: Catalogue) -> None:
    (document,) = parse("rules.yaml", RULES.read_text("utf-8"), [])
    table = demo.layers["census_2020"]
    bound = Binding(id="wetland", title=table.title, layer=table, edition=EditionChoice())
    bindings = {**demo.bindings, "wetland": bound}
    place = [b["id"] for b in document.entry["bindings"]].index("wetland")

    with pytest.raises(InvalidBody) as refused:
        drafted(Rulebook(), document.entry, bindings, "/draft")

    (error,) = refused.value.errors
    assert error.pointer == f"/draft/bindings/{place}"
    assert error.message == "national_default 2026.1.0 reads it as a layer"
