"""Regions in time: several periods of one code, changes of codes, management units."""

from alembic import op

revision = "0005"
down_revision = "0004"

REGIONS = """
SET LOCAL ROLE onemap_owner;
ALTER TABLE onemap.region
    DROP CONSTRAINT region_pkey,
    DROP CONSTRAINT region_code_check,
    ADD COLUMN kind text NOT NULL DEFAULT 'division' CHECK (kind IN ('division', 'unit')),
    ADD COLUMN stands_for text[] NOT NULL DEFAULT '{}',
    ALTER level DROP NOT NULL,
    ADD PRIMARY KEY (code, valid_from),
    ADD CHECK (valid_to >= valid_from),
    ADD CHECK ((kind = 'unit') = (level IS NULL)),
    ADD CHECK (code ~ '^[1-9][0-9]{5}([0-9]{3}){0,2}$'
        OR kind = 'unit' AND code ~ '^[A-Z][A-Z0-9_-]{1,31}$');
CREATE INDEX region_parent ON onemap.region (parent);
CREATE INDEX region_path ON onemap.region USING gin (path);
"""

# A change of which only the year is known lies between the year's first and last day.
CHANGES = """
CREATE TABLE onemap.region_change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    old text COLLATE "C",
    new text COLLATE "C",
    earliest date NOT NULL,
    latest date NOT NULL CHECK (latest >= earliest),
    kind text NOT NULL CHECK (kind IN
        ('recoded', 'renamed', 'merged', 'split', 'abolished', 'established', 'reassigned')),
    old_name text, new_name text,
    source text NOT NULL,
    CHECK ((old IS NULL) = (kind = 'established')),
    CHECK ((new IS NULL) = (kind = 'abolished'))
);
CREATE UNIQUE INDEX region_change_once ON onemap.region_change
    (coalesce(old, ''), coalesce(new, ''), earliest, latest, kind);
CREATE INDEX region_change_new ON onemap.region_change (new);
CREATE TABLE onemap.region_heir (
    code text COLLATE "C" NOT NULL,
    heir text COLLATE "C" NOT NULL,
    heirs integer NOT NULL CHECK (heirs > 0),
    within_old boolean NOT NULL,
    PRIMARY KEY (code, heir)
);
CREATE INDEX region_heir_heir ON onemap.region_heir (heir);
GRANT SELECT ON onemap.region_change, onemap.region_heir TO onemap_reader;
"""


def upgrade() -> None:
    """Periods, changes, and what became of codes that are not used any more."""
    op.execute(REGIONS)
    op.execute(CHANGES)
    op.execute("RESET ROLE")
