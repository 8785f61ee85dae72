export { basicChallenge, bearerChallenge, type BearerChallenge } from "./challenge.js";
export type {
  Access,
  AccessController,
  AuthorizeOptions,
  AuthPage,
  AuthRequest,
  BrowserLogins,
  Decided,
  Grant,
  GrantedResource,
  PageAnswer,
  PageAudit,
  PageRequest,
  PeerCertificate,
  TokenAnswer,
  TokenEndpoint,
  TokenRequest,
} from "./access-controller.js";
export type { KeptLogin, LoginWay } from "./kept-login.js";
export { AuthError, isAuthError, type AuthErrorCode, type AuthFault } from "./errors.js";
export { createAccessController } from "./factory.js";
export { chooseAccess, type ChosenAccess } from "./choose-access.js";
export { canCombine, isChosenAuth, type AuthKind, type ChosenAuth } from "./methods/kind.js";
export { AUTH_KINDS } from "./methods/kinds.js";
export type { AuthLog, Clock, ControllerPorts } from "./ports.js";
export type { CreateOwnTokens, OwnTokens, OwnTokensOptions } from "./own-tokens.js";
export type { Records, StoredRecord } from "./records.js";
export { bearerToken } from "./methods/token/token-header.js";
export { tokenChallenge } from "./methods/token/token-challenge.js";
export type { TrustedKeys } from "./methods/token/find-key.js";
export { TOKEN_CLAIM, type VerifiedToken } from "./methods/token/token-claims.js";
export { algorithmsOf } from "./keys/algorithms.js";
export { keyIds, libtrustKeyId, thumbprint } from "./keys/key-id.js";
export { basicCredentials } from "./identities/basic.js";
export {
  throttleOption,
  openLoginLedger,
  createLoginRegistrar,
  type ThrottleOptions,
} from "./throttle/throttle-options.js";
export type { LoginLedger } from "./throttle/login-ledger.js";
export { sourceOf } from "./throttle/attempt-source.js";
export { formatAccesses, formatScopeEntry, parseScope, parseScopeEntry, type ScopeEntry } from "./scope.js";
export {
  ANONYMOUS,
  type Authentication,
  type Authenticator,
  type Identity,
  type Labels,
  type PasswordAuthenticator,
  type PasswordCredentials,
} from "./identities/identity.js";
export { isAccountName } from "./identities/basic.js";
export { parseTokenHeader, type TokenHeader } from "./methods/token/token-header.js";
export { TokenRefused } from "./methods/token/token-refusal.js";
export { isSigningAlgorithm, SIGNING_ALGORITHMS, type SigningAlgorithm } from "./keys/algorithms.js";
export type { VerificationKey } from "./keys/jwk-set.js";
export type { Attempt, LoginOutcome, LoginRegistrar } from "./throttle/login-registrar.js";
export { toWait } from "./throttle/login-ledger.js";
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
} from "./rules/rules.js";
export { compileRules, placeBelow, type RuleOptions } from "./rules/compile-rules.js";
export { findDeadRules, type DeadRule } from "./rules/dead-rules.js";
export { findNameProblem } from "./rules/name-pattern.js";
export { findPoorerUsers, type PoorerUser } from "./rules/poorer-users.js";
export { createBcryptPool, type PasswordComparer } from "./methods/htpasswd/bcrypt-pool.js";
export { compareEvenly } from "./methods/htpasswd/compare-evenly.js";
export { defaultWorkers } from "./methods/htpasswd/htpasswd-options.js";
export { openPasswordFile } from "./methods/htpasswd/password-file.js";
export { bcryptCost, DEFAULT_COST, type PasswordList } from "./methods/htpasswd/password-list.js";
export { createVerifiedPasswords } from "./methods/htpasswd/verified-passwords.js";
export { verifyPasswordFile } from "./methods/htpasswd/verify-password-file.js";
export { readConfigFile } from "./keys/read-config-file.js";
export { networksOf } from "./throttle/attempt-source.js";
export { createFairQueue, CrowdedOutError } from "./throttle/fair-queue.js";
