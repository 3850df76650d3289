"""What filters compute that plain SQL does not: texts without case or accents, powers that exist."""

from alembic import op

revision = "0008"
down_revision = "0007"

# Case is folded by the first collation that knows all of Unicode: the database's own may be C.
FUNCTIONS = """
SET LOCAL ROLE onemap_owner;
DO $do$
DECLARE known text := coalesce(
    (SELECT quote_ident(collname) FROM pg_catalog.pg_collation
     JOIN unnest(ARRAY['pg_unicode_fast', 'pg_c_utf8', 'und-x-icu', 'C.utf8', 'en_US.utf8'])
         WITH ORDINALITY AS wished(name, place) ON name = collname
     WHERE collencoding IN (-1, 6) AND collnamespace = 'pg_catalog'::regnamespace
     ORDER BY place LIMIT 1), '"default"');
BEGIN
    EXECUTE format(
        'CREATE FUNCTION onemap.casei(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE'
        ' AS $f$ SELECT pg_catalog.lower($1 COLLATE pg_catalog.%s) $f$', known);
END $do$;
CREATE FUNCTION onemap.accenti(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT normalize(pg_catalog.regexp_replace(
        normalize($1, NFD) COLLATE "C",
        '[\\u0300-\\u036f\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f]', '', 'g'), NFC)
$$;
CREATE FUNCTION onemap.power(base numeric, exponent numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    b double precision;
    e double precision;
    size double precision;
BEGIN
    IF abs(base) > 1e300 OR abs(exponent) > 1e300 THEN RETURN NULL; END IF;
    b := CASE WHEN abs(base) < 1e-300 THEN 0 ELSE base END;
    e := CASE WHEN abs(exponent) < 1e-280 THEN 0 ELSE exponent END;
    IF e = 0 OR b = 1 THEN RETURN 1; END IF;
    IF b = 0 THEN RETURN CASE WHEN e > 0 THEN 0 END; END IF;
    IF b < 0 AND e <> trunc(e) THEN RETURN NULL; END IF;
    size := CASE WHEN abs(b) = 1 THEN 0 ELSE ln(abs(b)) * e END;
    RETURN CASE WHEN size > 690 THEN NULL WHEN size < -690 THEN 0 ELSE pg_catalog.power(b, e) END;
END $$;
RESET ROLE;
"""


def upgrade() -> None:
    """The functions onemap.casei, onemap.accenti and onemap.power."""
    op.execute(FUNCTIONS)
