#!/bin/sh
# SeaweedFS takes its S3 identities from a file: this writes the one there is, from the environment,
# and refuses to start without it, because a SeaweedFS that knows no identity serves everybody.
set -eu
: "${S3_ACCESS_KEY:?is not set}" "${S3_SECRET_KEY:?is not set}" "${S3_BUCKET:?is not set}"

# Everything within its own bucket, nothing beside it. Hex keys need no escaping.
cat >/run/seaweedfs/identities.json <<JSON
{"identities": [{
  "name": "darkroom",
  "credentials": [{"accessKey": "$S3_ACCESS_KEY", "secretKey": "$S3_SECRET_KEY"}],
  "actions": ["Admin:$S3_BUCKET", "Read:$S3_BUCKET", "List:$S3_BUCKET", "Write:$S3_BUCKET"]
}]}
JSON
unset S3_ACCESS_KEY S3_SECRET_KEY
exec /entrypoint.sh s3 -config=/run/seaweedfs/identities.json "$@"
