"""Rolling an edition back: an earlier revision's rows and facts become its newest revision."""

from collections.abc import Callable

from config.model import Layer
from config.vocabulary import EditionKey, Issuer
from processes.workflows.load import publish_beside, tables, writing
from providers.database import DatabaseRole, connect
from providers.editions import edition_at, edition_now
from providers.errors import Refused
from providers.revisions import (
    Publication,
    Revision,
    RevisionKind,
    current_revision,
    lock,
    stage_revision,
)
from providers.staging import open_staged


def rollback(
    url: str,
    layer: Layer,
    key: EditionKey,
    number: int,
    *,
    author: str,
    note: str,
    issued_from_above: bool,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Revision | None:
    """Publish the edition as it was at revision *number*; nothing that was recorded is lost.

    Returns
    -------
    The new revision; None where the edition says just that already.

    Raises
    ------
    Refused
        Where there is no such revision, or the edition is an issued copy and the caller does not
        say that the issuer takes it back.
    """
    with connect(url, DatabaseRole.READER) as connection:  # an edition once published stays
        if edition_now(connection, layer.id, key) is None:
            raise Refused(f"There is no edition {layer.id}.{key}.")
    with tables(url, layer, key), writing(url) as connection:
        if not lock(connection, layer.id, wait=False):
            tell(f"A load of {layer.id} is running; the rollback waits for its end.")
            lock(connection, layer.id, wait=True)
        held = edition_now(connection, layer.id, key)
        wanted = edition_at(connection, layer.id, key, number)
        last = current_revision(connection, layer.id, key)
        if wanted is None:
            raise Refused(f"{layer.id}.{key} has no revision {number}; its newest is {last}.")
        if held is not None and held.issuer is Issuer.ABOVE and not issued_from_above:
            raise Refused(
                f"{layer.id}.{key} is an issued copy (下发版) and locked; where its issuer takes a"
                " revision back, say --issued-from-above."
            )
        open_staged(connection, layer)
        stage_revision(connection, layer, key, number)
        connection.execute("ANALYZE pg_temp.staged")
        made = Publication(
            kind=RevisionKind.ROLLBACK, author=author, note=note, source={"revision": number}
        )
        revision = publish_beside(connection, layer, wanted, made)
    return revision if revision.number > last else None
