// What a configuration has to know of the pull-through cache, and what its errors become on the wire. Every process loads
// this, whether it mirrors anything or not.
export { CopyError } from "./copy/contract.js";
export { parseDestination, parseSource, type CopyDestination, type CopySource } from "./copy/endpoint.js";
export { parsePlatform } from "./copy/platforms.js";
export { renameBelow, renameFor } from "./copy/rename.js";
export { NotMirroredError } from "./errors.js";
export { PROXY_SECTION, WRITE_TIMEOUT, type ProxyOptions } from "./options.js";
export { hostsOf } from "./routing.js";
export { isUpstreamError, UpstreamError, type UpstreamErrorCode, type UpstreamFault } from "./upstream/errors.js";
export { apiHostOf, isDockerHub, isSameRegistry } from "./upstream/hosts.js";
export {
  checkUpstreamOptions,
  defaultUpstreamOptions,
  problemOfUrl,
  UPSTREAM_OPTIONS,
  type UpstreamOptions,
} from "./upstream/options.js";
