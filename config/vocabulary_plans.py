"""The words of the plan register (规划名录) as types."""

from config.text import TitledWord


class PlanLevel(TitledWord):
    """The five levels of plans (五级)."""

    NATIONAL = "national", "国家级", "National"
    PROVINCE = "province", "省级", "Province"
    CITY = "city", "市级", "City"
    COUNTY = "county", "县级", "County"
    TOWN = "town", "乡镇级", "Town"


class PlanType(TitledWord):
    """The three types of plans (三类); a village plan (村庄规划) is a detailed one."""

    MASTER = "master", "总体规划", "Master plan"
    DETAILED = "detailed", "详细规划", "Detailed plan"
    SPECIAL = "special", "专项规划", "Special plan"


class PlanState(TitledWord):
    """Where a plan stands; what follows what is in providers/plan_states.py."""

    DRAFTING = "drafting", "编制", "Drafting"
    PUBLIC_NOTICE = "public_notice", "公示", "Public notice"
    SUBMITTED = "submitted", "报批", "Submitted"
    APPROVED = "approved", "已批复", "Approved"
    IN_FORCE = "in_force", "启用", "In force"
    AMENDING = "amending", "修改中", "Being amended"  # and in force meanwhile
    REPEALED = "repealed", "废止", "Repealed"


class PlanAct(TitledWord):
    """What is done to a plan; each leaves an event."""

    REGISTER = "register", "登记", "Registered"
    LINK = "link", "关联", "Linked"
    NOTIFY = "notify", "公示", "Put on public notice"
    SUBMIT = "submit", "报批", "Submitted for approval"
    RETURN = "return", "退回", "Returned to drafting"
    APPROVE = "approve", "批复", "Approved"
    START = "start", "启用", "Brought into force"
    AMEND = "amend", "启动修改", "Amendment begun"
    ADOPT = "adopt", "修改获批", "Amendment approved"
    RESUME = "resume", "终止修改", "Amendment given up"
    REPEAL = "repeal", "废止", "Repealed"
    SUPERSEDE = "supersede", "被替代", "Superseded"


class PlanLinkKind(TitledWord):
    """What one plan is to an earlier one."""

    AMENDS = "amends", "修改", "Amends"
    SUPERSEDES = "supersedes", "替代", "Supersedes"
    CORRECTS = "corrects", "更正", "Corrects"
