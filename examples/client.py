"""Hands a picture in, embeds it and searches by its vector, with `requests`.

    python examples/client.py photo.jpg

CONTRASTREAM_URL: where the service is; default http://127.0.0.1:8080
CONTRASTREAM_TOKEN: a token, where the service wants one
"""

import os
import struct
import sys
import time

import requests

URL = os.environ.get("CONTRASTREAM_URL", "http://127.0.0.1:8080")
TOKEN = os.environ.get("CONTRASTREAM_TOKEN")

session = requests.Session()
if TOKEN:
    session.headers["Authorization"] = f"Bearer {TOKEN}"


def post(path, tries=3, **request):
    """Sends a request, and again where the service asks for patience."""
    for left in reversed(range(tries)):
        response = session.post(URL + path, timeout=60, **request)
        if response.ok:
            return response
        wait = response.headers.get("Retry-After")
        if wait is None or left == 0:
            problem = response.json()  # application/problem+json: match on `code`
            raise SystemExit(f"{response.status_code} {problem['code']}: {problem['detail']}")
        time.sleep(float(wait))


with open(sys.argv[1], "rb") as file:
    picture = file.read()

accepted = post("/v1/images", data=picture).json()
print(accepted["id"], "was there before" if accepted["duplicate"] else "is new")

# As float32, little-endian: an eighth of the size of JSON, and nothing to parse.
answer = post("/v1/embed", data=picture, headers={"Accept": "application/octet-stream"})
vector = struct.unpack(f"<{len(answer.content) // 4}f", answer.content)
model = answer.headers["x-contrastream-model"]
print(len(vector), "numbers by", model)

# A vector is only compared with vectors of the same model: it travels with its origin.
query = {
    "vector": vector,
    "model": model,
    "preprocessing": answer.headers["x-contrastream-preprocessing"],
}
for neighbour in post("/v1/search?k=3", json=query).json()["neighbours"]:
    print(neighbour["id"], round(neighbour["similarity"], 4))
