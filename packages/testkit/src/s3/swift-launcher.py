"""OpenStack Swift in one process, for tests: python3 swift-launcher.py FOLDER PORT ACCESS_KEY SECRET_KEY

The proxy with its S3 interface listens on PORT of the loopback address, the object, container and account servers behind it on
the next three. Everything is Swift's own code but for memcached, whose place a dictionary takes.
"""
import os
import sys
import time
import types

import eventlet

eventlet.monkey_patch()

FOLDER, PORT = os.path.abspath(sys.argv[1]), int(sys.argv[2])
ACCESS_KEY, SECRET_KEY = sys.argv[3], sys.argv[4]
CONFIGURATION = os.path.join(FOLDER, "etc")
BACK_ENDS = {"object": PORT + 1, "container": PORT + 2, "account": PORT + 3}

FILTERS = {
    "catch_errors": {}, "gatekeeper": {}, "cache": {}, "listing_formats": {},
    "s3api": {"location": "us-east-1", "max_upload_part_num": "10000"},
    "tempauth": {"user_%s_%s" % tuple(ACCESS_KEY.split(":")): SECRET_KEY + " .admin"},
    "copy": {}, "slo": {"max_manifest_segments": "10000"}, "dlo": {},
    "versioned_writes": {"allow_versioned_writes": "true", "allow_object_versioning": "true"},
    "symlink": {},
}


class Dictionary:
    """As much of Swift's memcached client as Swift calls."""

    def __init__(self):
        self.entries = {}

    def get(self, key, **_):
        value, until = self.entries.get(key, (None, 0))
        return value if until == 0 or until > time.time() else None

    def set(self, key, value, time=0, **_):
        self.entries[key] = (value, clock() + time if time else 0)

    def incr(self, key, delta=1, time=0, **_):
        value = max(0, int(self.get(key) or 0) + delta)
        self.set(key, value, time=time)
        return value

    def decr(self, key, delta=1, time=0, **_):
        return self.incr(key, -delta, time)

    def delete(self, key, **_):
        self.entries.pop(key, None)

    def set_multi(self, values, time=0, **_):
        for key, value in values.items():
            self.set(key, value, time=time)

    def get_multi(self, keys, **_):
        return [self.get(key) for key in keys]


clock = time.time
CACHE = Dictionary()


def cache_filter(_defaults, **_options):
    def wrap(application):
        def call(environment, start_response):
            environment["swift.cache"] = CACHE
            return application(environment, start_response)
        return call
    return wrap


def sections(**named):
    return "\n".join(
        "[%s]\n%s\n" % (name.replace("__", ":"), "\n".join("%s = %s" % pair for pair in options.items()))
        for name, options in named.items())


def write(name, text):
    with open(os.path.join(CONFIGURATION, name), "w") as file:
        file.write(text)


def configure():
    for folder in (CONFIGURATION, os.path.join(FOLDER, "devices", "d1"), os.path.join(FOLDER, "recon")):
        os.makedirs(folder)
    write("swift.conf", sections(**{"swift-hash": {"swift_hash_path_prefix": "t", "swift_hash_path_suffix": "t"}}))
    common = {"bind_ip": "127.0.0.1", "swift_dir": CONFIGURATION, "devices": os.path.join(FOLDER, "devices"),
              "mount_check": "false", "log_level": "WARNING"}
    for name, port in BACK_ENDS.items():
        write(name + ".conf", sections(
            DEFAULT={**common, "bind_port": port}, pipeline__main={"pipeline": "server"},
            app__server={"use": "egg:swift#" + name, "recon_cache_path": os.path.join(FOLDER, "recon"),
                         "fallocate_reserve": "0"}))
    filters = {
        "filter__" + name: {**({"paste.filter_factory": "dictionary_cache:factory"} if name == "cache"
                               else {"use": "egg:swift#" + name}), **options}
        for name, options in FILTERS.items()}
    write("proxy.conf", sections(
        # s3api looks for the application under this name.
        DEFAULT=common, pipeline__main={"pipeline": " ".join([*FILTERS, "proxy-server"])}, **filters,
        **{"app__proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true", "node_timeout": "60"}}))


def build_rings():
    from swift.common.ring import RingBuilder
    for name, port in BACK_ENDS.items():
        builder = RingBuilder(4, 1, 1)
        builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "d1", "meta": "", "ip": "127.0.0.1",
                         "port": port, "replication_ip": "127.0.0.1", "replication_port": port})
        builder.rebalance()
        builder.get_ring().save(os.path.join(CONFIGURATION, name + ".ring.gz"))


class Silence:
    def write(self, *_):
        pass

    info = debug = flush = write


def serve(name, port):
    import socket
    from eventlet import wsgi
    from swift.common.http_protocol import SwiftHttpProtocol
    from swift.common.wsgi import loadapp
    listener = eventlet.listen(("127.0.0.1", port), backlog=1024)
    # Or every small answer waits for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    application = loadapp(os.path.join(CONFIGURATION, name + ".conf"), global_conf={"log_name": name})
    return eventlet.spawn(wsgi.server, listener, application, Silence(), protocol=SwiftHttpProtocol, max_size=1024,
                          log_output=False, debug=False)


def main():
    configure()
    # Before anything of Swift reads its configuration.
    import swift.common.utils as utils
    utils.SWIFT_CONF_FILE = os.path.join(CONFIGURATION, "swift.conf")
    utils.HASH_PATH_PREFIX = utils.HASH_PATH_SUFFIX = b"t"
    module = types.ModuleType("dictionary_cache")
    module.factory = cache_filter
    sys.modules["dictionary_cache"] = module
    build_rings()
    threads = [serve(name, port) for name, port in [*BACK_ENDS.items(), ("proxy", PORT)]]
    print("serving on http://127.0.0.1:%d" % PORT, flush=True)
    for thread in threads:
        thread.wait()


main()
