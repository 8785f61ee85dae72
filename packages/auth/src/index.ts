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
export { parsePasswordList, type LineProblem, type PasswordList } from "./controllers/htpasswd/password-list.js";
export { parseTokenOptions } from "./controllers/token/options.js";
export { AuthError, isAuthError, type AuthErrorCode, type AuthFault } from "./errors.js";
export { ACCESS_CONTROLLERS, createAccessController } from "./factory.js";
export { parseJwkSet, type JwkSet } from "./keys/jwk-set.js";
export { parsePemBundle, type ItemProblem, type PemBundle } from "./keys/pem-bundle.js";
export type { AuthLog, Clock, ControllerPorts } from "./ports.js";
export { formatAccesses, formatScopeEntry, parseScope, parseScopeEntry, type ScopeEntry } from "./scope.js";
export {
  ANONYMOUS,
  type Authentication,
  type Authenticator,
  type Identity,
  type Labels,
  type PasswordAuthenticator,
  type PasswordCredentials,
} from "./identities/contract.js";
export type {
  MatchEntry,
  RuleDecision,
  RuleEntry,
  RuleMatch,
  RulePlace,
  RuleResource,
  Rules,
  RuleSubject,
  SimpleEntry,
} from "./rules/contract.js";
export { compileRules, placeBelow } from "./rules/compile.js";
