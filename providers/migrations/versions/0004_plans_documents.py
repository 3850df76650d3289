"""The plan register (规划名录) with its chain and trace; documents and what they belong to."""

from alembic import op

revision = "0004"
down_revision = "0003"

PLANS = """
SET LOCAL ROLE onemap_owner;
CREATE TABLE onemap.plan (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    title_zh text NOT NULL CHECK (title_zh <> ''),
    title_en text NOT NULL CHECK (title_en <> ''),
    level text NOT NULL CHECK (level IN ('national', 'province', 'city', 'county', 'town')),
    type text NOT NULL CHECK (type IN ('master', 'detailed', 'special')),
    region text COLLATE "C" NOT NULL,
    extent geometry(MultiPolygon, 4490),
    base_year smallint CHECK (base_year BETWEEN 1949 AND 2200),
    target_year smallint CHECK (target_year BETWEEN 1949 AND 2200 AND target_year >= base_year),
    compiler text, approver text,
    basis text CHECK (basis <> ''), approved_on date,
    in_force_from date, in_force_to date,
    state text NOT NULL CHECK (state IN ('drafting', 'public_notice', 'submitted', 'approved',
        'in_force', 'amending', 'repealed')),
    classification text NOT NULL CHECK (classification IN ('public', 'internal', 'secret')),
    synthetic boolean NOT NULL,
    CHECK (in_force_to >= in_force_from),
    CHECK (in_force_from >= approved_on),
    CHECK (state IN ('drafting', 'public_notice', 'submitted')
        OR (basis IS NOT NULL AND approved_on IS NOT NULL)),
    CHECK (state NOT IN ('in_force', 'amending') OR in_force_from IS NOT NULL)
);
CREATE INDEX plan_region ON onemap.plan (region);
CREATE TABLE onemap.plan_link (
    plan text COLLATE "C" NOT NULL REFERENCES onemap.plan,
    other text COLLATE "C" NOT NULL REFERENCES onemap.plan,
    kind text NOT NULL CHECK (kind IN ('amends', 'supersedes', 'corrects')),
    PRIMARY KEY (plan, other),
    CHECK (plan <> other)
);
CREATE INDEX plan_link_other ON onemap.plan_link (other);
CREATE TABLE onemap.plan_event (
    plan text COLLATE "C" NOT NULL REFERENCES onemap.plan,
    number integer NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    act text NOT NULL,
    before text, after text NOT NULL,
    person text NOT NULL CHECK (person <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    document text, effective date,
    PRIMARY KEY (plan, number)
);
GRANT SELECT ON onemap.plan, onemap.plan_link, onemap.plan_event TO onemap_reader;
REVOKE DELETE ON onemap.plan FROM onemap_writer;
REVOKE UPDATE, DELETE ON onemap.plan_link, onemap.plan_event FROM onemap_writer;
"""

DOCUMENTS = """
CREATE TABLE onemap.document (
    id text COLLATE "C" PRIMARY KEY,
    sha256 text COLLATE "C" NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes bigint NOT NULL CHECK (bytes > 0),
    media_type text NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    title_zh text NOT NULL CHECK (title_zh <> ''),
    title_en text NOT NULL CHECK (title_en <> ''),
    classification text NOT NULL CHECK (classification IN ('public', 'internal', 'secret')),
    added_by text NOT NULL CHECK (added_by <> ''),
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    withdrawn_by text, withdrawn_at timestamptz, withdrawn_reason text CHECK (withdrawn_reason <> ''),
    CHECK (num_nulls(withdrawn_by, withdrawn_at, withdrawn_reason) IN (0, 3))
);
CREATE INDEX document_content ON onemap.document (sha256);
CREATE TABLE onemap.attachment (
    document text COLLATE "C" NOT NULL REFERENCES onemap.document,
    kind text NOT NULL CHECK (kind IN ('plan', 'edition', 'feature')),
    plan text COLLATE "C" REFERENCES onemap.plan,
    layer text COLLATE "C",
    edition text COLLATE "C",
    om_id text COLLATE "C",
    role text NOT NULL CHECK (role <> ''),
    attached_by text NOT NULL CHECK (attached_by <> ''),
    attached_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (layer, edition) REFERENCES onemap.edition,
    CHECK ((plan IS NOT NULL) = (kind = 'plan')),
    CHECK ((layer IS NOT NULL) = (kind <> 'plan')),
    CHECK ((edition IS NOT NULL) = (kind <> 'plan')),
    CHECK ((om_id IS NOT NULL) = (kind = 'feature'))
);
CREATE UNIQUE INDEX attachment_plan ON onemap.attachment (plan, document) WHERE kind = 'plan';
CREATE UNIQUE INDEX attachment_edition ON onemap.attachment (layer, edition, document)
    WHERE kind = 'edition';
CREATE UNIQUE INDEX attachment_feature ON onemap.attachment (layer, edition, om_id, document)
    WHERE kind = 'feature';
CREATE INDEX attachment_document ON onemap.attachment (document);
GRANT SELECT ON onemap.document, onemap.attachment TO onemap_reader;
REVOKE DELETE ON onemap.document FROM onemap_writer;
REVOKE UPDATE, DELETE ON onemap.attachment FROM onemap_writer;
"""


def upgrade() -> None:
    """The writer changes a plan's facts and withdraws a document, but never what has happened."""
    op.execute(PLANS)
    op.execute(DOCUMENTS)
    op.execute("RESET ROLE")
