"""Who says that it is a program: their looks are counted apart from people's."""

import re
from functools import lru_cache

_ROBOTS = re.compile(
    r"bot\b|bot[/_;-]|crawl|spider|slurp|scrap(?:er|y)|archiver|heritrix|nutch|lighthouse"
    r"|facebookexternalhit|facebot|meta-external|embedly|pinterest/|whatsapp|telegram|skypeuripreview"
    r"|slack-img|discord|bingpreview|google-inspectiontool|googleother|google-read-aloud"
    r"|mediapartners|apis-google|adsbot|duckduck|yandex|baidu|bytespider|petalbot|ccbot|gptbot"
    r"|claude|perplexity|amazonbot|applebot|semrush|ahrefs|uptime|pingdom|statuscake|monitor"
    r"|headlesschrome|phantomjs|puppeteer|playwright|feedfetcher|rss|validator|link ?check|preview",
    re.IGNORECASE,
)


@lru_cache(1_000)
def is_robot(agent: str) -> bool:
    """By its User-Agent alone, which anybody may choose; libraries like curl are people's tools."""
    return _ROBOTS.search(agent) is not None
