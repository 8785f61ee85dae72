export type { ContentKind, MirroredUpstream, MirrorObserver, NamePattern } from "./contract.js";
export { mirrorRegistry, type MirrorRegistry, type MirrorSettings } from "./registry/mirror-registry.js";
export { openStateFile, type StateFile } from "./retention/state-file.js";
export { sweep, type SweepResult } from "./retention/sweep.js";
export { cleanSpool } from "./blobs/spool.js";
export { createUsageLog, type UsageLog } from "./retention/usage-log.js";
export { createRouting, type Route, type Routing } from "./routing.js";
export type { PauseReason, Upstream, UpstreamObserver, UpstreamStatus } from "./upstream/contract.js";
export { createUpstream, type UpstreamPorts } from "./upstream/create-upstream.js";
export {
  type CopyObserver,
  type CopyProgress,
  type CopyRequest,
  type CopyResult,
  type CopyTarget,
  type WantedPlatform,
} from "./copy/contract.js";
export { copyRepositories } from "./copy/copy.js";
export { openRegistryTarget } from "./copy/open-registry-target.js";
export { storageTarget } from "./copy/storage-target.js";
export { notingTarget } from "./copy/noting-target.js";
export { createLeases, type Lease } from "./leases/leases.js";
export { dockerConfigCredentials, dockerConfigPaths } from "./upstream/auth/docker-config.js";
