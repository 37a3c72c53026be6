"""What the load measurements need around the server: nginx and wrk out of Debian's packages, a server on one core, and
what its process has used of it."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBS = ("nginx", "wrk", "libluajit-5.1-2", "libluajit-5.1-common")

# Requests the lines of a file in turn: a path, and what goes into its headers, tab by tab.
WRK_LUA = """
local requests, next_one = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, headers = nil, {}
    for part in line:gmatch("[^\\t]+") do
      if path == nil then path = part else
        local key, value = part:match("^([^:]+): (.*)$")
        headers[key] = value
      end
    end
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end
function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
function done(summary, latency)
  io.write(string.format('\\n@@{"requests":%d,"us":%d,"bytes":%d,"errors":%d,"p50":%.3f,"p99":%.3f}\\n', summary.requests,
    summary.duration, summary.bytes, summary.errors.status + summary.errors.read + summary.errors.connect
    + summary.errors.timeout, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""

NGINX_CONF = """
worker_processes 1; daemon off; pid {state}/nginx.pid; error_log {state}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000;
  client_body_temp_path {state}/body; proxy_temp_path {state}/proxy; fastcgi_temp_path {state}/fastcgi;
  uwsgi_temp_path {state}/uwsgi; scgi_temp_path {state}/scgi;
  open_file_cache max=20000 inactive=60s; open_file_cache_valid 5s;
  default_type application/octet-stream;
  server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""


def tools(folder):
    """The folder with nginx and wrk, fetched into it the first time."""
    root = folder / "root"
    if not (root / "usr/bin/wrk").exists() or not (root / "usr/sbin/nginx").exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(["apt-get", "download", *DEBS], cwd=folder, capture_output=True)
        if fetched.returncode != 0:
            subprocess.run(["apt-get", "update"], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["apt-get", "download", *DEBS], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    (folder / "wrk.lua").write_text(WRK_LUA)
    return root


class Server:
    """A process on one core."""

    def __init__(self, command, core, log, env=None):
        command = ["taskset", "-c", str(core), *map(str, command)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})}, cwd=ROOT)

    def pids(self):
        """The process and, where the work is a child's, that child."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        workers = [pid for pid in children if "nginx" in pathlib.Path(f"/proc/{pid}/comm").read_text()]
        return [str(self.process.pid), *workers]

    def cpu_us(self):
        """Processor time used so far, all threads, in microseconds."""
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * 1_000_000 // os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def ended_within(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def latchkey(binary, work, port, core):
    """`latchkey up` on one core, quiet as nginx is, and what it says of itself."""
    log = (work / "up.log").open("a")
    command = [binary, "up", "--data", work / "data", "--listen", f"127.0.0.1:{port}"]
    server = Server(command, core, log, {"LATCHKEY_LOG": "warn"})
    facts = work / "data/up.json"
    deadline = time.monotonic() + 120
    while not facts.exists():
        if server.ended_within(0.1) or time.monotonic() > deadline:
            raise SystemExit(f"latchkey did not start: see {work}/up.log")
    return server, json.loads(facts.read_text())


def nginx(root, work, files, port, core):
    state = work / "nginx"
    state.mkdir(exist_ok=True)
    (state / "nginx.conf").write_text(NGINX_CONF.format(state=state, files=files, port=port))
    command = [root / "usr/sbin/nginx", "-p", state, "-e", state / "error.log", "-c", state / "nginx.conf"]
    server = Server(command, core, (work / "nginx.log").open("a"))
    deadline = time.monotonic() + 10
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port).connect()
            return server
        except OSError:
            if server.ended_within(0.05) or time.monotonic() > deadline:
                raise


def wrk(root, folder, port, lines, core, seconds, connections=16):
    """Requests the lines in turn for so long; what wrk says of it."""
    paths = folder / "paths"
    paths.write_text("\n".join(lines) + "\n")
    libraries = ":".join(str(path) for path in root.glob("usr/lib/*-linux-gnu"))
    command = ["taskset", "-c", str(core), root / "usr/bin/wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-s", root.parent / "wrk.lua", f"http://127.0.0.1:{port}/", "--", paths]
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                         env={**os.environ, "LD_LIBRARY_PATH": libraries})
    if "@@" not in ran.stdout:
        raise SystemExit(f"wrk failed: {ran.stdout}{ran.stderr}")
    return json.loads(ran.stdout.split("@@", 1)[1].splitlines()[0])
