vcl 4.1;

# Between Caddy and the API, for /images/* only: keeps what everybody may see, passes all else.

import dynamic;
import std;

backend default none; # vcl_recv names one for every request

# compose.yaml's network `origin`, where only Varnish, the API and the reactors are. Caddy, and so
# the Internet, comes in over `edge` and can never ban.
acl origin {
    "10.213.77.0"/24;
}

sub vcl_init {
    # Looks the name up again: an api that was replaced or scaled has other addresses.
    new api = dynamic.director(port = "8080", ttl = 5s, connect_timeout = 2s);
}

sub vcl_recv {
    set req.backend_hint = api.backend("api");

    # BAN / with `Surrogate-Key: img_...` forgets every rendering of that image, at once.
    if (req.method == "BAN") {
        if (client.ip !~ origin) {
            return (synth(403));
        }
        if (req.http.Surrogate-Key !~ "^[a-z]+_[0-9a-v]+$") {
            return (synth(400, "Surrogate-Key is no id"));
        }
        if (!std.ban("obj.http.Surrogate-Key ~ \b" + req.http.Surrogate-Key + "\b")) {
            return (synth(500, std.ban_error()));
        }
        return (synth(200, "Banned"));
    }

    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Credentials and signatures are the API's to judge, each time: an expiry or a revocation must
    # hold at once, and an answer to them is never another's. So is a parameter we do not know.
    if (req.http.Authorization || (req.url ~ "\?" && req.url !~ "\?(v=[\w.-]+)?(&?download=(1|true))?$")) {
        return (pass);
    }

    unset req.http.Cookie; # the API knows none, and they would keep everything out of the cache
    # `auto` varies by Accept: three spellings instead of one for each browser.
    if (req.http.Accept ~ "image/avif") {
        set req.http.Accept = "image/avif,image/webp";
    } else if (req.http.Accept ~ "image/webp") {
        set req.http.Accept = "image/webp";
    } else {
        set req.http.Accept = "image/jpeg";
    }
    return (hash);
}

sub vcl_backend_response {
    # Only what the API calls public is kept, for its s-maxage and stale-while-revalidate. The
    # built-in code, which runs after this, refuses private, no-store and no-cache.
    if (beresp.http.Cache-Control !~ "\bpublic\b") {
        set beresp.uncacheable = true;
        set beresp.ttl = 30s;
    }
    # A passed original streams through 1 MB of memory, not through as much as it is large.
    if (beresp.uncacheable) {
        set beresp.transit_buffer = 1MB;
    }
}

sub vcl_deliver {
    # max-age is for browsers and counts from here: our copy may be older, but a ban ends it.
    unset resp.http.Age;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    if (obj.uncacheable) {
        set resp.http.Cache-Status = "darkroom; fwd=bypass";
    } else if (obj.hits > 0) {
        set resp.http.Cache-Status = "darkroom; hit";
    } else {
        set resp.http.Cache-Status = "darkroom; fwd=miss";
    }
}
