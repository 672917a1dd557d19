"""Who says that it is a program: their looks are counted apart from people's."""

import re
from functools import lru_cache

_NAMES = (
    *("crawl", "spider", "slurp", "scraper", "scrapy", "archiver", "heritrix", "nutch"),
    *("lighthouse", "facebookexternalhit", "facebot", "meta-external", "embedly", "pinterest/"),
    *("whatsapp", "telegram", "skypeuripreview", "slack-img", "discord", "bingpreview"),
    *("google-inspectiontool", "googleother", "google-read-aloud", "mediapartners"),
    *("apis-google", "adsbot", "duckduck", "yandex", "baidu", "bytespider", "petalbot", "ccbot"),
    *("gptbot", "claude", "perplexity", "amazonbot", "applebot", "semrush", "ahrefs", "uptime"),
    *("pingdom", "statuscake", "monitor", "headlesschrome", "phantomjs", "puppeteer"),
    *("playwright", "feedfetcher", "rss", "validator", "linkcheck", "preview"),
)
"""Looked for one by one: as one expression they take ten times as long, for each new browser."""
_BOT = re.compile(r"bot(?:\b|_)|link check")


@lru_cache(10_000)
def is_robot(agent: str) -> bool:
    """By its User-Agent alone, which anybody may choose; libraries like curl are people's tools."""
    said = agent.lower()
    return any(map(said.__contains__, _NAMES)) or _BOT.search(said) is not None
