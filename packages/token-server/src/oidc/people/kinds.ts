import { github } from "./github/github-kind.js";
import { gitlab } from "./openid/gitlab-kind.js";
import { google } from "./openid/google-kind.js";
import { openid } from "./openid/openid-kind.js";
import type { ProviderKind } from "./provider.js";

/** Every kind of provider that people can log in with, in the order of the reference. */
export const PROVIDER_KINDS: readonly ProviderKind[] = [google, github, gitlab, openid];
