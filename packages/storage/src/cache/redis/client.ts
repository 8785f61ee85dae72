import { errnoOf } from "@longshore/base/errno";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { parseRedisAddress, RedisSettingError, type RedisOptions, type RedisTls } from "./options.js";

/** The part of the client library that we use: the same for one server, sentinels and a cluster. */
export interface RedisClient {
  /** `ready` while commands are accepted. */
  readonly status: string;
  call(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
  connect(): Promise<void>;
  disconnect(): void;
  on(event: string, listener: (...args: readonly unknown[]) => void): unknown;
}

/** The pause between two refreshes of the cluster's slots (ms), so that a failover is noticed soon. */
const SLOTS_INTERVAL = 2000;

/**
 * A client that isn't connected yet. It never queues a command or sends one twice: what Redis can't answer now is read from the
 * storage. The library is loaded here, so that it costs nothing without Redis. Throws RedisSettingError.
 */
export async function createRedisClient(options: RedisOptions): Promise<RedisClient> {
  const tls = options.tls === undefined ? undefined : await readTls(options.tls);
  const addresses = options.addresses.map((text) => {
    const address = parseRedisAddress(text);
    if (address === undefined) throw new RedisSettingError(`redis.addrs: ${text} is no address; write host:port`);
    return address;
  });
  const { Redis, Cluster } = await import("ioredis");
  const pause = (attempt: number): number =>
    Math.min(options.reconnect.max, options.reconnect.min * 2 ** Math.min(attempt, 20));
  const common = {
    username: options.username,
    password: options.password,
    connectionName: options.clientName,
    clientInfoTag: options.identitySuffix,
    tls,
    disableClientInfo: !options.sendIdentity,
    protocol: options.protocol,
    connectTimeout: options.connectTimeout,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Whoever hears channels joins them again; where the library does and fails, nobody would catch it.
    autoResubscribe: false,
    // The peer vanished silently: drop the connection, and ask the sentinels again.
    socketTimeout: Math.max(2000, 10 * options.commandTimeout),
    // The master has become a replica.
    reconnectOnError: ({ message }: Error) => message.startsWith("READONLY"),
  };
  const [first] = addresses;
  switch (options.mode) {
    case "single":
      return new Redis({
        ...common,
        ...first,
        db: options.database,
        enableOfflineQueue: false,
        lazyConnect: true,
        retryStrategy: pause,
      });
    case "sentinel":
      return new Redis({
        ...common,
        sentinels: addresses,
        name: options.masterName ?? "",
        sentinelUsername: options.sentinelUsername,
        sentinelPassword: options.sentinelPassword,
        // As in Distribution, one setting covers both.
        ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
        db: options.database,
        enableOfflineQueue: false,
        lazyConnect: true,
        retryStrategy: pause,
        sentinelRetryStrategy: pause,
      });
    case "cluster":
      return new Cluster(addresses, {
        redisOptions: common,
        enableOfflineQueue: false,
        lazyConnect: true,
        maxRedirections: options.maxRedirections,
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
        slotsRefreshInterval: SLOTS_INTERVAL,
        clusterRetryStrategy: pause,
        clusterNodeRetryStrategy: pause,
        // Certificates are issued for names: those in the configuration, and those that nodes announce, are verified.
        ...(tls === undefined ? {} : { dnsLookup: (address, callback) => callback(null, address) }),
      });
  }
}

async function readTls({ certificate, key, rootCas }: RedisTls): Promise<ConnectionOptions> {
  return {
    ...(certificate === undefined ? {} : { cert: await readPem("redis.tls.certificate", certificate) }),
    ...(key === undefined ? {} : { key: await readPem("redis.tls.key", key) }),
    ...(rootCas.length === 0
      ? {}
      : { ca: await Promise.all(rootCas.map((path) => readPem("redis.tls.rootcas", path))) }),
    minVersion: "TLSv1.2",
  };
}

async function readPem(key: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = errnoOf(error) ?? "unreadable";
    throw new RedisSettingError(`${key}: can't read ${path} (${reason})`, { cause: error });
  }
}
