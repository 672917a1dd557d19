"""Upload tokens: made once, revoked once, and not without end."""

from functools import partial
from uuid import UUID

from domain import account
from domain.account import AccountErased, AccountRegistered, Identity
from domain.ids import AlbumId, TokenId
from domain.media import Format
from domain.refusals import Conflict, NotFound
from domain.upload_token import MOST, UploadTokenIssued, UploadTokenRevoked
from tests.spec import LATER, MUCH_LATER, NOW, Given

given = partial(Given, account.evolve)
registered = AccountRegistered(
    plan="free", quota_bytes=10, personal=Identity(username="ann", email="ann@example.org")
)
TOKEN = TokenId(UUID(int=1))
ALBUM = AlbumId(UUID(int=2))
TERMS = {
    **{"number": 2, "max_bytes": 5, "format": Format.PNG, "album_id": ALBUM},
    "expires_at": LATER,
}


def issued(id=TOKEN, **changed):
    return UploadTokenIssued(token_id=id, **(TERMS | changed))


def issue(*history, now=NOW):
    return given(registered, *history).when(
        account.issue_token, token_id=TOKEN, now=now, **(TERMS | {"expires_at": LATER})
    )


def test_a_token_is_made_once():
    issue().then(issued())
    issue(issued()).then_nothing()


def test_it_is_revoked_once_and_by_its_account_only():
    revoked = UploadTokenRevoked(token_id=TOKEN)
    given(registered, issued()).when(account.revoke_token, token_id=TOKEN).then(revoked)
    given(registered, issued(), revoked).when(account.revoke_token, token_id=TOKEN).then_nothing()
    given(registered).when(account.revoke_token, token_id=TOKEN).then_refused(NotFound)
    gone = given(registered, issued(), AccountErased())
    gone.when(account.revoke_token, token_id=TOKEN).then_refused(NotFound)


def test_there_are_only_so_many_that_live():
    many = [issued(TokenId(UUID(int=100 + n))) for n in range(MOST)]
    issue(*many).then_refused(Conflict, limit=MOST)
    issue(*many, UploadTokenRevoked(token_id=many[0].token_id)).then(issued())
    issue(*many, now=MUCH_LATER).then(issued())
