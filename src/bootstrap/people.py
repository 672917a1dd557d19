"""Every command of people, with what its handler needs."""

from functools import partial
from typing import Any

from adapters.api_keys import PostgresApiKeys
from adapters.devices import PostgresDevices
from adapters.erasure import PostgresErasures
from adapters.letters import PostgresMailTokens
from adapters.oidc import OidcProvider, registrations
from adapters.passwords import Argon2Passwords
from adapters.sealing import Sealer
from adapters.second_factors import PostgresSecondFactors
from adapters.upload_tokens import PostgresUploadTokens
from bootstrap import Core, administering, letters, new_id, now, sessions
from commands import (
    accounts,
    api_keys,
    erasure,
    factors,
    oidc,
    presets,
    reports,
    upload_tokens,
)
from commands import passwords as words
from commands.arrivals import Arrivals
from commands.dispatcher import Handler
from commands.erasure import Owned
from commands.guesses import Guesses
from commands.limits import Limiter
from commands.proving import Prover
from domain.limits import Policy


def handlers(
    core: Core,
    passwords: Argon2Passwords,
    limiter: Limiter | None,
    keys: PostgresApiKeys,
    owned: Owned,
) -> dict[type, Handler]:
    store, settings = core.store, core.settings
    names: dict[str, Any] = {"store": store, "hasher": core.key}
    prover = Prover(
        passwords=passwords,
        factors=PostgresSecondFactors(
            core.database, Sealer(core.key.derived("totp")), core.key.derived("recovery codes")
        ),
        guesses=Guesses(limiter),
        now=now,
    )
    arrivals = Arrivals(
        devices=PostgresDevices(core.database, core.key.derived("devices")), store=store
    )
    erasures = PostgresErasures(core.database)
    mail_tokens = PostgresMailTokens(core.database)
    tokens = PostgresUploadTokens(core.database)
    return {
        **administering.handlers(core),
        accounts.ChangeAccount: partial(accounts.change_account, **names),
        presets.SavePreset: partial(presets.save_preset, store=store),
        presets.RemovePreset: partial(presets.remove_preset, store=store),
        accounts.SignUp: partial(
            accounts.sign_up,
            passwords=passwords,
            letters=letters(core),
            new_id=new_id,
            plan=settings.plan,
            quota_bytes=settings.known_plans[settings.plan].storage_bytes,
            **names,
        ),
        accounts.LogIn: partial(
            accounts.log_in,
            sessions=sessions(core),
            prover=prover,
            arrivals=arrivals,
            **names,
        ),
        oidc.SignInThrough: partial(
            oidc.sign_in_through,
            sessions=sessions(core),
            arrivals=arrivals,
            new_id=new_id,
            plan=settings.plan,
            quota_bytes=settings.known_plans[settings.plan].storage_bytes,
            **names,
        ),
        accounts.Refresh: partial(accounts.refresh, store=store, sessions=sessions(core)),
        words.ChangePassword: partial(
            words.change_password, store=store, sessions=sessions(core), prover=prover
        ),
        words.AskForMail: partial(
            words.ask_for_mail,
            letters=letters(core),
            limiter=limiter,
            hasher=core.key,
            new_id=new_id,
        ),
        words.ResetPassword: partial(
            words.reset_password,
            store=store,
            passwords=passwords,
            sessions=sessions(core),
            tokens=mail_tokens,
        ),
        words.VerifyEmail: partial(words.verify_email, store=store, tokens=mail_tokens),
        factors.ProposeFactor: partial(factors.propose_factor, prover=prover),
        factors.ConfirmFactor: partial(factors.confirm_factor, store=store, prover=prover),
        factors.DropFactor: partial(factors.drop_factor, store=store, prover=prover),
        api_keys.IssueApiKey: partial(api_keys.issue_api_key, store=store, keys=keys, now=now),
        upload_tokens.IssueUploadToken: partial(
            upload_tokens.issue_upload_token, store=store, tokens=tokens, now=now
        ),
        upload_tokens.RevokeUploadToken: partial(
            upload_tokens.revoke_upload_token, store=store, tokens=tokens
        ),
        reports.FileReport: partial(
            reports.file_report,
            store=store,
            limiter=limiter,
            policy=Policy("reports", settings.reports_per_hour, 3_600),
        ),
        api_keys.RevokeApiKey: partial(api_keys.revoke_api_key, store=store, keys=keys),
        erasure.EraseAccount: partial(
            erasure.erase_account, prover=prover, erasures=erasures, owned=owned, **names
        ),
    }


def providers(core: Core) -> dict[str, OidcProvider]:
    url, sealer = core.settings.public_url, Sealer(core.key.derived("oidc"))
    return {
        name: OidcProvider(it, f"{url}/v1/auth/oidc/{name}/callback", sealer, name)
        for name, it in registrations(core.settings.oidc).items()
    }
