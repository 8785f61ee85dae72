export { basicChallenge, bearerChallenge, quote, type BearerChallenge } from "./challenge.js";
export type {
  Access,
  AccessController,
  AuthorizeOptions,
  AuthRequest,
  Grant,
  GrantedResource,
  PeerCertificate,
  TokenAnswer,
  TokenEndpoint,
  TokenRequest,
} from "./contract.js";
export { AuthError, isAuthError, type AuthErrorCode, type AuthFault } from "./errors.js";
export { ACCESS_CONTROLLERS, createAccessController } from "./factory.js";
export { formatAccesses, formatScopeEntry, parseScope, parseScopeEntry, type ScopeEntry } from "./scope.js";
