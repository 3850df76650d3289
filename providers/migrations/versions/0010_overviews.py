"""Overviews: generalised geometry per zoom beside the rows, and class areas per tile."""

from alembic import op

revision = "0010"
down_revision = "0009"

# The cells of a tile of the mosaic are kept beside its areas: coarser tiles and margins are made of
# them, and an edit makes anew only the tiles that it meets.
OVERVIEWS = """
SET LOCAL ROLE onemap_owner;
CREATE TABLE onemap.overview (
    layer text COLLATE "C" NOT NULL,
    edition text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    classes_below smallint NOT NULL CHECK (classes_below >= 0),
    levels smallint[] NOT NULL,
    omitted jsonb NOT NULL,
    recipe text NOT NULL,
    features bigint NOT NULL,
    PRIMARY KEY (layer, edition),
    FOREIGN KEY (layer, edition) REFERENCES onemap.edition ON DELETE CASCADE
);
GRANT SELECT ON onemap.overview TO onemap_reader;
CREATE TABLE onemap.mosaic_cells (
    layer text COLLATE "C" NOT NULL,
    edition text COLLATE "C" NOT NULL,
    tiling text COLLATE "C" NOT NULL CHECK (tiling IN ('degrees', 'mercator')),
    zoom smallint NOT NULL,
    tile_row integer NOT NULL,
    tile_col integer NOT NULL,
    cells bytea NOT NULL,
    PRIMARY KEY (layer, edition, tiling, zoom, tile_row, tile_col),
    FOREIGN KEY (layer, edition) REFERENCES onemap.edition ON DELETE CASCADE
);
ALTER TABLE onemap.touch ADD COLUMN below smallint;
RESET ROLE;
"""

SCHEMAS = """
CREATE SCHEMA planning_overview AUTHORIZATION onemap_owner;
CREATE SCHEMA planning_mosaic AUTHORIZATION onemap_owner;
GRANT USAGE ON SCHEMA planning_overview, planning_mosaic TO onemap_reader, onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA planning_overview, planning_mosaic
    GRANT SELECT ON TABLES TO onemap_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA planning_overview, planning_mosaic
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA planning_overview, planning_mosaic
    GRANT USAGE, SELECT ON SEQUENCES TO onemap_writer;
"""


def upgrade() -> None:
    """Tables of one edition each come with its first overview."""
    op.execute(OVERVIEWS)
    op.execute(SCHEMAS)
