"""What a large channel costs: until an upload into it is visible, and how much memory its records take.

The records come into the read model by SQL, as copies of uploaded ones: what is measured begins with an upload and
ends with what a client reads.
"""

import statistics
import subprocess
import time

import fill

NAMES = 10_000
UPLOADS = 21

COPY = """
INSERT INTO {schema}.artifacts SELECT (jsonb_populate_record(a, jsonb_build_object(
  'artifact_id', gen_random_uuid(), 'version', '2.' || n, 'filename', replace(a.filename, a.version, '2.' || n),
  'sha256', '\\x' || encode(sha256((a.filename || n)::bytea), 'hex'),
  'record_json', replace(a.record_json, '"' || a.version || '"', '"2.' || n || '"')))).*
FROM {schema}.artifacts a, generate_series(1, {copies}) n
WHERE a.channel_id = '{channel}' AND a.version = '1.0'
"""


def psql(url, sql):
    found = subprocess.run(["psql", "-qAt", url, "-c", sql], capture_output=True, text=True)
    if found.returncode != 0:
        raise SystemExit(f"psql: {found.stderr}")
    return found.stdout.strip()


def grown(api, postgres, channel, records, names):
    """A channel of so many records in so many names."""
    made = api.json("POST", "/api/v1/channels", {"name": channel, "privacy": "public"})
    with fill.concurrent.futures.ThreadPoolExecutor(fill.UPLOADERS) as pool:
        list(pool.map(lambda n: fill.upload(api, channel, f"large-{n:06}", "1.0", 200), range(names)))
    schema = psql(postgres, "SELECT table_schema FROM information_schema.view_table_usage WHERE view_schema = 'live' "
                  "AND view_name = 'artifacts'")
    psql(postgres, COPY.format(schema=schema, channel=made["id"], copies=records // names - 1))


def upload(api, postgres, records):
    """From the first byte of an upload to an index that names the file."""
    channel = "large"
    grown(api, postgres, channel, records, min(NAMES, records // 10))
    seen = {"repodata_shards.msgpack.zst": [], "repodata.json.zst": []}
    for name in seen:
        api.get(f"/{channel}/linux-64/{name}")
    for number in range(UPLOADS):
        for document, times in seen.items():
            before = fill.etag(api.port, f"/{channel}/linux-64/{document}")
            began = time.monotonic()
            fill.upload(api, channel, f"new-{number}-{len(document)}", "1.0", 200)
            while fill.etag(api.port, f"/{channel}/linux-64/{document}") == before:
                pass
            times.append(time.monotonic() - began)
    for document, times in seen.items():
        print(f"an upload among {records:,} records visible in {document}: median {statistics.median(times) * 1000:.0f} ms, "
              f"worst {max(times) * 1000:.0f} ms")


def memory(api, postgres, server, records):
    """Resident memory that a million records take, with their indexes rendered."""
    channel = "huge"
    grown(api, postgres, channel, records, min(NAMES, records // 10))
    before = server.memory_mib()
    for document in ("repodata_shards.msgpack.zst", "repodata.json.zst"):
        began = time.monotonic()
        body = api.get(f"/{channel}/linux-64/{document}")
        print(f"{document} of {records:,} records: {len(body) / 1e6:.1f} MB, first after {time.monotonic() - began:.1f} s")
    grew = server.memory_mib() - before
    print(f"memory: {grew:.0f} MiB more for {records:,} records, {grew * 1e6 / records:.0f} MiB per million")
