#!/bin/sh
# Hands a picture in, embeds it and searches for its like, with curl alone.
#
#   examples/curl.sh photo.jpg
#
# CONTRASTREAM_URL  where the service is; default http://127.0.0.1:8080
# CONTRASTREAM_TOKEN  a token, where the service wants one
set -eu

picture=$1
url=${CONTRASTREAM_URL:-http://127.0.0.1:8080}

# --fail-with-body prints what is wrong, and fails; --retry waits where the service says so.
ask() {
  curl --silent --show-error --fail-with-body --retry 3 \
    ${CONTRASTREAM_TOKEN:+--header "Authorization: Bearer $CONTRASTREAM_TOKEN"} "$@"
  echo
}

# The body is the picture as it is: no form, no base64.
ask --data-binary "@$picture" --header 'x-source: examples' "$url/v1/images"
ask --data-binary "@$picture" "$url/v1/embed"
ask --data-binary "@$picture" "$url/v1/search?k=3"

# Vectors as float32, little-endian: an eighth of the size.
ask --data-binary "@$picture" --header 'Accept: application/octet-stream' \
  --output /dev/null --write-out '%{size_download} bytes by %header{x-contrastream-model}' \
  "$url/v1/embed"
