"""The words of the plan register (规划名录) as types."""

from enum import StrEnum

from config.text import Text


class PlanLevel(StrEnum):
    """The five levels of plans (五级)."""

    NATIONAL = "national"  # 国
    PROVINCE = "province"  # 省
    CITY = "city"  # 市
    COUNTY = "county"  # 县
    TOWN = "town"  # 乡

    @property
    def label(self) -> Text:
        return PLAN_LEVEL_TITLES[self]


class PlanType(StrEnum):
    """The three types of plans (三类); a village plan (村庄规划) is a detailed one."""

    MASTER = "master"  # 总体规划
    DETAILED = "detailed"  # 详细规划
    SPECIAL = "special"  # 专项规划

    @property
    def label(self) -> Text:
        return PLAN_TYPE_TITLES[self]


class PlanState(StrEnum):
    """Where a plan stands; what follows what is in providers/plan_states.py."""

    DRAFTING = "drafting"  # 编制
    PUBLIC_NOTICE = "public_notice"  # 公示
    SUBMITTED = "submitted"  # 报批
    APPROVED = "approved"  # 已批复
    IN_FORCE = "in_force"  # 启用
    AMENDING = "amending"  # 修改中, and in force meanwhile
    REPEALED = "repealed"  # 废止

    @property
    def label(self) -> Text:
        return PLAN_STATE_TITLES[self]


class PlanAct(StrEnum):
    """What is done to a plan; each leaves an event."""

    REGISTER = "register"  # 登记
    LINK = "link"  # 关联
    NOTIFY = "notify"  # 公示
    SUBMIT = "submit"  # 报批
    RETURN = "return"  # 退回
    APPROVE = "approve"  # 批复
    START = "start"  # 启用
    AMEND = "amend"  # 启动修改
    ADOPT = "adopt"  # 修改获批
    RESUME = "resume"  # 终止修改
    REPEAL = "repeal"  # 废止
    SUPERSEDE = "supersede"  # 被替代

    @property
    def label(self) -> Text:
        return PLAN_ACT_TITLES[self]


class PlanLinkKind(StrEnum):
    """What one plan is to an earlier one."""

    AMENDS = "amends"  # 修改
    SUPERSEDES = "supersedes"  # 替代
    CORRECTS = "corrects"  # 更正

    @property
    def label(self) -> Text:
        return PLAN_LINK_TITLES[self]


PLAN_LEVEL_TITLES = {
    PlanLevel.NATIONAL: Text(zh="国家级", en="National"),
    PlanLevel.PROVINCE: Text(zh="省级", en="Province"),
    PlanLevel.CITY: Text(zh="市级", en="City"),
    PlanLevel.COUNTY: Text(zh="县级", en="County"),
    PlanLevel.TOWN: Text(zh="乡镇级", en="Town"),
}
PLAN_TYPE_TITLES = {
    PlanType.MASTER: Text(zh="总体规划", en="Master plan"),
    PlanType.DETAILED: Text(zh="详细规划", en="Detailed plan"),
    PlanType.SPECIAL: Text(zh="专项规划", en="Special plan"),
}
PLAN_STATE_TITLES = {
    PlanState.DRAFTING: Text(zh="编制", en="Drafting"),
    PlanState.PUBLIC_NOTICE: Text(zh="公示", en="Public notice"),
    PlanState.SUBMITTED: Text(zh="报批", en="Submitted"),
    PlanState.APPROVED: Text(zh="已批复", en="Approved"),
    PlanState.IN_FORCE: Text(zh="启用", en="In force"),
    PlanState.AMENDING: Text(zh="修改中", en="Being amended"),
    PlanState.REPEALED: Text(zh="废止", en="Repealed"),
}
PLAN_ACT_TITLES = {
    PlanAct.REGISTER: Text(zh="登记", en="Registered"),
    PlanAct.LINK: Text(zh="关联", en="Linked"),
    PlanAct.NOTIFY: Text(zh="公示", en="Put on public notice"),
    PlanAct.SUBMIT: Text(zh="报批", en="Submitted for approval"),
    PlanAct.RETURN: Text(zh="退回", en="Returned to drafting"),
    PlanAct.APPROVE: Text(zh="批复", en="Approved"),
    PlanAct.START: Text(zh="启用", en="Brought into force"),
    PlanAct.AMEND: Text(zh="启动修改", en="Amendment begun"),
    PlanAct.ADOPT: Text(zh="修改获批", en="Amendment approved"),
    PlanAct.RESUME: Text(zh="终止修改", en="Amendment given up"),
    PlanAct.REPEAL: Text(zh="废止", en="Repealed"),
    PlanAct.SUPERSEDE: Text(zh="被替代", en="Superseded"),
}
PLAN_LINK_TITLES = {
    PlanLinkKind.AMENDS: Text(zh="修改", en="Amends"),
    PlanLinkKind.SUPERSEDES: Text(zh="替代", en="Supersedes"),
    PlanLinkKind.CORRECTS: Text(zh="更正", en="Corrects"),
}
