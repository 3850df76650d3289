"""The demo's plan register and documents: two plans in force, an adjustment on public notice."""

from datetime import date

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Catalogue
from config.settings import PACKAGE_ROOT
from config.vocabulary import (
    Classification,
    EditionKey,
    PlanAct,
    PlanLevel,
    PlanLinkKind,
    PlanType,
    RegionCode,
    Text,
)
from processes.workflows.demo import ADJUSTMENT, BASIS, DETAILED_PLAN, MASTER_PLAN, PREFECTURE
from providers.document_store import DocumentStore, add_document, attach_document
from providers.documents import OfEdition, OfPlan
from providers.plan_records import Plan
from providers.plan_register import add_plan, advance_plan, link_plans, region_extent
from providers.plans import known_plans

BUREAU = "模拟市自然资源和规划局（模拟）"
GOVERNMENT = "模拟省人民政府（模拟）"
PERSON, REASON = "模拟登记员", "演示数据 / demo data"
APPROVED_ON, IN_FORCE_FROM = date(2020, 12, 20), date(2021, 1, 1)
DETAILED_BASIS = "模拟批复〔2021〕7号"
FOLDER = PACKAGE_ROOT / "demo" / "documents"
DOCUMENTS = (
    ("plan_text.docx", "文本", Text(zh="规划文本（模拟数据）", en="Plan text (synthetic data)")),
    (
        "approval.pdf",
        "批复",
        Text(zh="模拟批复〔2021〕1号（模拟数据）", en="Approval (synthetic data)"),
    ),
    ("drawing.png", "图件", Text(zh="规划图（模拟数据）", en="Drawing (synthetic data)")),
)


def register_demo_plans(connection: Connection[TupleRow], today: date) -> None:
    """Write the demo's plans, once."""
    if known_plans(connection, [MASTER_PLAN]):
        return
    extent = region_extent(connection, PREFECTURE.value)
    for plan in _plans(PREFECTURE):
        add_plan(connection, plan, extent=extent, person=PERSON, reason=REASON)

    def advance(plan: str, act: PlanAct, day: date | None = None, basis: str | None = None) -> None:
        advance_plan(
            connection, plan, act, person=PERSON, reason=REASON, today=today, basis=basis, day=day
        )

    for name, basis in ((MASTER_PLAN, BASIS), (DETAILED_PLAN, DETAILED_BASIS)):
        advance(name, PlanAct.NOTIFY)
        advance(name, PlanAct.SUBMIT)
        advance(name, PlanAct.APPROVE, APPROVED_ON, basis)
        advance(name, PlanAct.START, IN_FORCE_FROM)
    link_plans(
        connection, ADJUSTMENT, PlanLinkKind.AMENDS, MASTER_PLAN, person=PERSON, reason=REASON
    )
    advance(ADJUSTMENT, PlanAct.NOTIFY)


def attach_demo_documents(
    connection: Connection[TupleRow], store: DocumentStore, catalogue: Catalogue
) -> None:
    """Put the demo's documents beside its master plan, once; the approval beside an edition, too."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM onemap.attachment WHERE plan = %s)", (MASTER_PLAN,)
    ).fetchone()
    if row and row[0]:
        return
    for name, role, title in DOCUMENTS:
        document = add_document(
            connection,
            store,
            FOLDER / name,
            title=title,
            classification=Classification.PUBLIC,
            subject=OfPlan(MASTER_PLAN),
            layer=None,
            role=role,
            person=PERSON,
        )
        if role == "批复":
            layer = catalogue.layers["planned_land_use"]
            edition = OfEdition(layer.id, EditionKey("2021_2035"))
            attach_document(connection, document, edition, layer=layer, role=role, person=PERSON)


def _plans(region: RegionCode) -> list[Plan]:
    return [
        Plan(
            id=MASTER_PLAN,
            title=Text(
                zh="模拟市国土空间总体规划（2021—2035年）（模拟）",
                en="Territorial master plan of the mock city 2021–2035 (synthetic)",
            ),
            level=PlanLevel.CITY,
            type=PlanType.MASTER,
            region=region.value,
            base_year=2020,
            target_year=2035,
            compiler=BUREAU,
            approver=GOVERNMENT,
            classification=Classification.PUBLIC,
            synthetic=True,
        ),
        Plan(
            id=DETAILED_PLAN,
            title=Text(
                zh="模拟市中心城区详细规划（模拟）",
                en="Detailed plan of the central mock city (synthetic)",
            ),
            level=PlanLevel.CITY,
            type=PlanType.DETAILED,
            region=region.value,
            base_year=2020,
            target_year=2035,
            compiler=BUREAU,
            approver="模拟市人民政府（模拟）",
            classification=Classification.PUBLIC,
            synthetic=True,
        ),
        Plan(
            id=ADJUSTMENT,
            title=Text(
                zh="模拟市三条控制线局部优化方案（2025年）（模拟）",
                en="Local adjustment of the three control lines, 2025 (synthetic)",
            ),
            level=PlanLevel.CITY,
            type=PlanType.MASTER,
            region=region.value,
            base_year=2024,
            target_year=2035,
            compiler=BUREAU,
            approver=GOVERNMENT,
            classification=Classification.PUBLIC,
            synthetic=True,
        ),
    ]
