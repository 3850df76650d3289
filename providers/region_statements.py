"""The statements that write the region register and say who sees what; fixed texts with binds."""

ONE_WRITER = "LOCK TABLE onemap.region IN SHARE ROW EXCLUSIVE MODE"  # readers go on

# Geometry as hexadecimal EWKB, as COPY takes it.
GIVEN = """
DROP TABLE IF EXISTS pg_temp.region_given;
CREATE TEMPORARY TABLE region_given (
    code text COLLATE "C", kind text, parent text COLLATE "C", level text,
    name_zh text, name_en text, valid_from date, valid_to date, geom geometry(MultiPolygon, 4490)
) ON COMMIT DROP
"""
COPY_GIVEN = (
    "COPY pg_temp.region_given"
    " (code, kind, parent, level, name_zh, name_en, valid_from, valid_to, geom) FROM STDIN"
)
KIND_CONFLICTS = """
SELECT DISTINCT g.code FROM pg_temp.region_given g JOIN onemap.region r USING (code)
WHERE r.kind <> g.kind ORDER BY 1
"""

# A division that is its own parent: the registered one, of a higher level, stands at this one, too.
STAND = """
UPDATE onemap.region r SET stands_for = CASE WHEN g.level = ANY(r.stands_for) THEN r.stands_for
    ELSE r.stands_for || g.level END
FROM pg_temp.region_given g
WHERE g.parent = g.code AND r.code = g.code
    AND array_position(%(levels)s, r.level) < array_position(%(levels)s, g.level)
    AND r.valid_from <= g.valid_from AND coalesce(r.valid_to, 'infinity') >= g.valid_from
RETURNING r.code
"""
SELF_UNKNOWN = """
SELECT g.code FROM pg_temp.region_given g WHERE g.parent = g.code AND NOT EXISTS (
    SELECT FROM onemap.region r WHERE r.code = g.code AND g.level = ANY(r.stands_for)
        AND r.valid_from <= g.valid_from AND coalesce(r.valid_to, 'infinity') >= g.valid_from)
ORDER BY 1
"""
DROP_STANDING = "DELETE FROM pg_temp.region_given WHERE parent = code"

SAME = """
r.code = g.code AND r.valid_from <= g.valid_from
AND coalesce(r.valid_to, 'infinity') >= g.valid_from
AND (g.valid_to IS NULL OR g.valid_to = r.valid_to)
AND (r.parent, r.level, r.name_zh, r.name_en)
    IS NOT DISTINCT FROM (g.parent, g.level, g.name_zh, g.name_en)
"""
FILL = f"""
UPDATE onemap.region r SET geom = g.geom FROM pg_temp.region_given g
WHERE r.geom IS NULL AND g.geom IS NOT NULL AND {SAME}
"""
DROP_UNCHANGED = f"""
DELETE FROM pg_temp.region_given g USING onemap.region r
WHERE {SAME} AND (g.geom IS NULL OR ST_AsEWKB(r.geom) = ST_AsEWKB(g.geom))
"""

# A new period ends before the next one and ends the one before it.
CLIP = """
UPDATE pg_temp.region_given g SET valid_to = least(g.valid_to, n.next - 1)
FROM (SELECT o.code, o.valid_from, min(later.valid_from) AS next FROM pg_temp.region_given o
    JOIN (SELECT code, valid_from FROM onemap.region
        UNION ALL SELECT code, valid_from FROM pg_temp.region_given) later
    ON later.code = o.code AND later.valid_from > o.valid_from
    GROUP BY o.code, o.valid_from) n
WHERE n.code = g.code AND n.valid_from = g.valid_from
"""
STANDING_BEFORE = """
SELECT stands_for FROM onemap.region b WHERE b.code = g.code AND b.level = g.level
    AND b.valid_to = g.valid_from - 1
"""
CLOSE = """
UPDATE onemap.region r SET valid_to = g.valid_from - 1 FROM (
    SELECT code, min(valid_from) AS valid_from FROM pg_temp.region_given GROUP BY code) g
WHERE r.code = g.code AND r.valid_from < g.valid_from
    AND coalesce(r.valid_to, 'infinity') >= g.valid_from
"""
INSERT = f"""
INSERT INTO onemap.region AS held (code, kind, parent, level, stands_for, name_zh, name_en, path,
    valid_from, valid_to, geom)
SELECT g.code, g.kind, g.parent, g.level, coalesce(({STANDING_BEFORE}), '{{}}'),
    g.name_zh, g.name_en, ARRAY[g.code], g.valid_from, g.valid_to, g.geom
FROM pg_temp.region_given g
ON CONFLICT (code, valid_from) DO UPDATE SET parent = excluded.parent, level = excluded.level,
    name_zh = excluded.name_zh, name_en = excluded.name_en,
    valid_to = coalesce(excluded.valid_to, held.valid_to),
    geom = coalesce(excluded.geom, held.geom)
"""

NO_PARENT = """
SELECT g.parent FROM pg_temp.region_given g WHERE g.parent IS NOT NULL AND NOT EXISTS (
    SELECT FROM onemap.region p WHERE p.code = g.parent
        AND p.valid_from <= g.valid_from AND coalesce(p.valid_to, 'infinity') >= g.valid_from)
GROUP BY g.parent ORDER BY 1
"""
WRONG_LEVEL = """
SELECT DISTINCT g.code || '/' || g.parent FROM pg_temp.region_given g
JOIN onemap.region p ON p.code = g.parent
    AND p.valid_from <= g.valid_from AND coalesce(p.valid_to, 'infinity') >= g.valid_from
WHERE array_position(%(levels)s, p.level) >= array_position(%(levels)s, g.level) ORDER BY 1
"""
END_ABSENT = """
UPDATE onemap.region r SET valid_to = %(day)s::date - 1
WHERE r.kind = 'division' AND r.level = ANY(%(levels)s) AND r.code <> ALL(%(codes)s)
    AND r.code <> ALL(%(within)s) AND (r.path && %(within)s::text[] OR %(country)s)
    AND r.valid_from < %(day)s AND coalesce(r.valid_to, 'infinity') >= %(day)s
"""

# Each period hangs below the newest period of its parent that it shares a day with.
TREE = """
DROP TABLE IF EXISTS pg_temp.region_tree;
CREATE TEMPORARY TABLE region_tree ON COMMIT DROP AS
WITH RECURSIVE link AS (
    SELECT DISTINCT ON (r.code, r.valid_from) r.code, r.valid_from,
        p.code AS above, p.valid_from AS above_from
    FROM onemap.region r JOIN onemap.region p ON p.code = r.parent
        AND p.valid_from <= coalesce(r.valid_to, 'infinity')
        AND coalesce(p.valid_to, 'infinity') >= r.valid_from
    ORDER BY r.code, r.valid_from, p.valid_from DESC),
tree AS (
    SELECT code, valid_from, ARRAY[code] AS path FROM onemap.region WHERE parent IS NULL
    UNION ALL
    SELECT link.code, link.valid_from, tree.path || link.code
    FROM tree JOIN link ON link.above = tree.code AND link.above_from = tree.valid_from)
SELECT code, valid_from, path FROM tree
"""
UNREACHED = """
SELECT DISTINCT g.code FROM pg_temp.region_given g WHERE NOT EXISTS (
    SELECT FROM pg_temp.region_tree t WHERE t.code = g.code AND t.valid_from = g.valid_from)
ORDER BY 1
"""
PATHS = """
UPDATE onemap.region r SET path = t.path FROM pg_temp.region_tree t
WHERE t.code = r.code AND t.valid_from = r.valid_from AND r.path IS DISTINCT FROM t.path
"""

# A code ends where what it stood for got another one.
END_CHANGED = """
UPDATE onemap.region r SET valid_to = c.earliest - 1
FROM (SELECT r.code, r.valid_from, min(c.earliest) AS earliest
    FROM onemap.region r JOIN onemap.region_change c ON c.old = r.code
    WHERE c.kind IN ('recoded', 'merged', 'abolished', 'reassigned')
        AND c.earliest > r.valid_from AND r.valid_to IS NULL
    GROUP BY r.code, r.valid_from) c
WHERE r.code = c.code AND r.valid_from = c.valid_from
"""

# With which grants a code is seen. All periods count: what a division had once was its own matter
# then. Of a code that is not used any more (old), beside that:
#   who sees all its heirs as they are now sees what is stored under it, and under what lay in it;
#   a grant for it goes on to an heir, and to what lies in that, where the heir's land was all its own:
#   recoded or split off. Merged into a larger one, it does not: nobody has granted the rest.
# Only the grant's own code goes on; who had the old division below them once does not follow it.
REGION_PATHS = """
WITH own AS (SELECT code, unnest(path) AS above FROM onemap.region),
newest AS (
    SELECT DISTINCT ON (code) code, path FROM onemap.region
    WHERE code IN (SELECT heir FROM onemap.region_heir) ORDER BY code, valid_from DESC),
inheriting AS (
    SELECT h.code, seen.above FROM onemap.region_heir h JOIN newest n ON n.code = h.heir,
        unnest(n.path) AS seen(above)
    GROUP BY h.code, seen.above, h.heirs HAVING count(*) = h.heirs)
SELECT code, array_agg(DISTINCT above) FROM (
    SELECT code, above FROM own
    UNION ALL SELECT code, code FROM onemap.region
    UNION ALL SELECT code, above FROM inheriting
    UNION ALL SELECT own.code, i.above FROM own JOIN inheriting i ON i.code = own.above
    UNION ALL SELECT own.code, h.code FROM own
        JOIN onemap.region_heir h ON h.heir = own.above AND h.within_old) seen
GROUP BY code
"""
