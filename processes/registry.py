"""Every process that the product knows, by the name that catalogue entries quote as `spec`."""

from collections.abc import Mapping
from types import MappingProxyType

from processes.ogc.area_ellipsoid import AREA_ELLIPSOID
from processes.ogc.buffer import BUFFER
from processes.ogc.classify import CLASSIFY
from processes.ogc.compliance_check import COMPLIANCE_CHECK
from processes.ogc.compliance_compare import COMPLIANCE_COMPARE
from processes.ogc.echo import ECHO
from processes.ogc.echo_values import ECHO_VALUES
from processes.ogc.overlay import OVERLAY
from processes.ogc.survey_parcels import SURVEY_PARCELS
from processes.ogc.transform_crs import TRANSFORM_CRS
from processes.spec import ProcessSpec

SPECS: Mapping[str, ProcessSpec] = MappingProxyType(
    {
        spec.id: spec
        for spec in (
            AREA_ELLIPSOID,
            BUFFER,
            CLASSIFY,
            COMPLIANCE_CHECK,
            COMPLIANCE_COMPARE,
            ECHO,
            ECHO_VALUES,
            OVERLAY,
            SURVEY_PARCELS,
            TRANSFORM_CRS,
        )
    }
)
