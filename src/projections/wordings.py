"""What mails say: a subject, a sentence or two, and where their link leads."""

from collections.abc import Mapping
from html import escape
from string import Template

import msgspec

from commands.mail import Mail, Occasion
from domain.ids import AccountId


class Wording(msgspec.Struct, frozen=True):
    """`page` is where the link leads, if anywhere; the rest is what people read."""

    subject: str
    words: str
    page: str = ""
    button: str = ""


WORDINGS = {
    Occasion.VERIFY: Wording(
        "Is this your address?",
        "somebody signed up to Darkroom with this address. If it was you, confirm it; if it was"
        " not, do nothing: the address stays unconfirmed.",
        "account/verify?token=$token",
        "Confirm the address",
    ),
    Occasion.RESET: Wording(
        "Choose a new password",
        "somebody asked for a new password for your account. If it was you, choose one within an"
        " hour; if it was not, do nothing: the old one stays as it is.",
        "account/reset?token=$token",
        "Choose a password",
    ),
    Occasion.REPORT: Wording(
        "Your report was looked at",
        "you reported the image $image. We have looked at it: $outcome. Thank you.",
    ),
}
WORDINGS |= {
    Occasion.INVITATION: Wording(
        "You are invited to $organization",
        "$organization invites you to join it on Darkroom, as $role. Sign in, or sign up with this"
        " address, and accept the invitation within 14 days. By programs it is accepted with"
        " POST /v1/invitations/accept and this token: $token",
    ),
    Occasion.SIGN_IN: Wording(
        "Somebody signed in from somewhere new",
        "somebody signed in to your account from $address, by $agent, on $at. If it was you, there"
        " is nothing to do. If it was not, choose another password: all sessions end with it.",
    ),
}
WORDINGS |= {
    Occasion.QUARANTINED: Wording(
        "Your image is in quarantine",
        "your image $image is in quarantine: $reason. Nobody sees it any more, until an"
        " administrator has looked at it; you can delete it.",
    ),
    Occasion.RELEASED: Wording(
        "Your image is out of quarantine",
        "an administrator looked at your image $image and let it pass: $reason",
    ),
    Occasion.TAKEN_DOWN: Wording(
        "Your image was taken down",
        "your image $image was taken down: $reason. If you think that this is wrong, object with"
        " POST /v1/images/$image/counter-notice and your statement; an administrator reads it.",
    ),
    Occasion.REINSTATED: Wording(
        "Your image is there again",
        "your image $image, which was taken down, is there again: $reason",
    ),
}
WORDINGS |= {
    Occasion.SHARED: Wording(
        "$somebody shared $thing with you",
        "$somebody shared $thing with you on Darkroom. It is named in your notifications.",
    ),
    Occasion.QUOTA: Wording(
        "$percent % of $whose storage is in use",
        "$percent % of what $whose plan lets be stored is in use. At 100 % nothing more is taken"
        " in; what is deleted for good makes room.",
    ),
    Occasion.WEBHOOK: Wording(
        "A webhook of yours does not answer",
        "your webhook $webhook $trouble. What came of each try: GET"
        " /v1/webhooks/$webhook/deliveries. Once it answers again, have it told from any position"
        " on with POST /v1/webhooks/$webhook/redeliver.",
    ),
}
WORDINGS |= {
    Occasion.PROCESSING_FAILED: Wording(
        "Your image could not be processed",
        "no rendering of your image $image could be made: $reason. The original is kept as you sent"
        " it, and can be fetched and deleted.",
    ),
}
OUTCOMES = {
    "dismiss": "we found nothing in it that must not be here, and it stays",
    "takedown": "it was taken down",
    "quarantine": "nobody sees it any more until it is examined",
}

OWN = {"whose": "your"}
"""What letters do not say that were written before organizations were told, too."""

_TEXT = Template("""Hello$name,

$words
$action
$where
""")
_ACTION = Template("""
$button:
$link
""")
_HTML = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$subject</title></head>
<body style="font: 16px/1.5 sans-serif; max-width: 34em; margin: 2em auto; color: #222">
<p>Hello$name,</p>
<p>$words</p>
$action<p style="color: #666; font-size: 13px">$where<br>$link</p>
</body></html>
""")
_BUTTON = Template("""<p><a href="$link" style="background: #222; color: #fff; padding: .6em 1em;
border-radius: .3em; text-decoration: none">$button</a></p>
""")


def composed(
    occasion: Occasion,
    facts: Mapping[str, str],
    *,
    to: str,
    account_id: AccountId,
    name: str,
    public_url: str,
) -> Mail:
    """`facts` fill the words and the link; in HTML they are text, never markup."""
    wording = WORDINGS[occasion]
    told = OWN | {key: OUTCOMES.get(value, value) for key, value in facts.items()}
    words = {
        "name": f" {name}" if name else "",
        "subject": Template(wording.subject).substitute(told),
        "words": Template(wording.words).substitute(told),
        "button": wording.button,
        "link": f"{public_url}/{Template(wording.page).substitute(told)}" if wording.page else "",
        "where": f"Darkroom at {public_url}",
    }
    marked = {key: escape(text) for key, text in words.items()}
    action, button = ("", "")
    if wording.page:
        action, button = _ACTION.substitute(words), _BUTTON.substitute(marked)
    return Mail(
        to=to,
        account_id=account_id,
        subject=words["subject"],
        text=_TEXT.substitute(words | {"action": action}),
        html=_HTML.substitute(marked | {"action": button}),
    )
