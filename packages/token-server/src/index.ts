export type {
  ChosenRules,
  ChosenSource,
  IdentitySource,
  Login,
  LoginContext,
  RulesKind,
  RuleSource,
  SourceKind,
  SourceLimits,
  SourcePorts,
  TokenSite,
  TokenGrant,
} from "./contract.js";
export { explainAccess, type AccessExplanation, type AccessQuestion } from "./explain.js";
export { readKeys, rotateKeys, type StoredKey } from "./keys/key-record.js";
export { revokeRefreshTokens } from "./endpoint/refresh-tokens.js";
export { openLastUse } from "./personal-tokens/last-use.js";
export { documentOf, type TokenDocument } from "./personal-tokens/token-document.js";
export { openTokenStore, type TokenStore } from "./personal-tokens/token-store.js";
export { describeToken, TokenWishError, type TokenWish } from "./personal-tokens/token-wish.js";
export { convertDockerAuth, type Conversion, type DockerAuthFinding } from "./docker-auth/convert.js";
export type { Surroundings } from "./docker-auth/convert-sources.js";
export { followFile, type AccessOfText, type FollowedFile } from "./docker-auth/follow.js";
export { createOwnTokens } from "./own-tokens/own-tokens.js";
