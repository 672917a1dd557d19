"""The Devices port: keyed hashes, beside the accounts' other secrets."""

import hashlib
import hmac

from adapters.database import Database
from commands.sessions import Device
from domain.ids import AccountId


class PostgresDevices:
    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key

    async def news(self, account_id: AccountId, device: Device) -> bool:
        said = f"{account_id.hex}\0{device.client}\0{device.agent}".encode()
        seen = hmac.digest(self._key, said, hashlib.sha256)
        ((new,),) = await self._database.changed(_SEEN, {"account": account_id, "hash": seen})
        return bool(new)


# The first of all is where somebody signed up: no news.
_SEEN = """
    with before as (
        select count(*) as known, count(*) filter (where hash = %(hash)s) as same
        from secrets.devices where account_id = %(account)s
    ), noted as (
        insert into secrets.devices (account_id, hash) values (%(account)s, %(hash)s)
        on conflict (account_id, hash) do update set seen_at = now() returning 1
    ) select known > 0 and same = 0 from before, noted"""
