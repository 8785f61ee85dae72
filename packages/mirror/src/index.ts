export type { ContentKind, MirroredUpstream, MirrorObserver, NamePattern } from "./contract.js";
export { NotMirroredError } from "./errors.js";
export { mirrorRegistry, type MirrorRegistry, type MirrorSettings } from "./registry/mirror-registry.js";
export { openStateFile, type StateFile } from "./retention/state-file.js";
export { sweep, type SweepResult } from "./retention/sweep.js";
export { cleanSpool } from "./blobs/spool.js";
export { createUsageLog, type UsageLog } from "./retention/usage-log.js";
export { createRouting, hostsOf, type Route, type Routing } from "./routing.js";
export { PROXY_SECTION, WRITE_TIMEOUT, type ProxyOptions } from "./options.js";
export type { PauseReason, Upstream, UpstreamObserver, UpstreamStatus } from "./upstream/contract.js";
export { isUpstreamError, UpstreamError, type UpstreamErrorCode, type UpstreamFault } from "./upstream/errors.js";
export { createUpstream, type UpstreamPorts } from "./upstream/create-upstream.js";
export { apiHostOf, isDockerHub, isSameRegistry } from "./upstream/hosts.js";
export {
  checkUpstreamOptions,
  defaultUpstreamOptions,
  problemOfUrl,
  UPSTREAM_OPTIONS,
  type UpstreamOptions,
} from "./upstream/options.js";
export {
  CopyError,
  type CopyObserver,
  type CopyProgress,
  type CopyRequest,
  type CopyResult,
  type CopyTarget,
  type WantedPlatform,
} from "./copy/contract.js";
export { copyRepositories } from "./copy/copy.js";
export { openRegistryTarget } from "./copy/open-registry-target.js";
export { parsePlatform } from "./copy/platforms.js";
export { storageTarget } from "./copy/storage-target.js";
export { parseDestination, parseSource, type CopyDestination, type CopySource } from "./copy/endpoint.js";
export { renameBelow, renameFor } from "./copy/rename.js";
export { notingTarget } from "./copy/noting-target.js";
export { createLeases, type Lease } from "./leases/leases.js";
export { dockerConfigCredentials, dockerConfigPaths } from "./upstream/auth/docker-config.js";
