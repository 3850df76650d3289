"""Every process that the product knows, by the name that catalogue entries quote as `spec`."""

from collections.abc import Mapping
from types import MappingProxyType

from processes.ogc.compliance_check import COMPLIANCE_CHECK
from processes.ogc.echo import ECHO
from processes.spec import ProcessSpec

SPECS: Mapping[str, ProcessSpec] = MappingProxyType(
    {spec.id: spec for spec in (COMPLIANCE_CHECK, ECHO)}
)
