// How tokens are verified, and where the keys come from: loaded by what takes tokens, since signatures and their keys need
// libraries that no other access control does.
export { createTokenGate, type TokenGate } from "./methods/token/token-gate.js";
export { createTokenVerifier, type TokenVerifier } from "./methods/token/token-verifier.js";
export { createJwksFetcher, type FetcherOptions, type JwksFetcher } from "./methods/token/jwks-fetch.js";
export { openJwksUrlSource } from "./methods/token/jwks-url.js";
export { openJwksFileSource, type KeySnapshot, type KeySource } from "./methods/token/key-source.js";
