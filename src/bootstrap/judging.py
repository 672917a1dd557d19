"""Who may see which event: for the feed, the public subjects, webhooks."""

from adapters.albums import PostgresAlbums
from adapters.gallery import PostgresGallery
from adapters.organizations import PostgresOrganizations
from adapters.positions import HeardPositions
from bootstrap import Core, now
from projections.judging import Judge


def judge(core: Core, positions: HeardPositions) -> Judge:
    database, store = core.database, core.store
    return Judge(
        PostgresGallery(database, store),
        PostgresAlbums(database, store),
        PostgresOrganizations(database, store),
        positions,
        now,
    )
