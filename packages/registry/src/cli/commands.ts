import { accessExplain } from "./commands/access-explain.js";
import type { Command } from "./command.js";
import { backup, restore } from "./commands/backup.js";
import { garbageCollect } from "./commands/garbage-collect.js";
import { healthcheck } from "./commands/healthcheck.js";
import { keysList, keysRotate } from "./commands/keys.js";
import { loginsRevoke } from "./commands/logins-revoke.js";
import { mirrorCopy } from "./commands/mirror-copy.js";
import { mirrorSync } from "./commands/mirror-sync.js";
import { permissions } from "./commands/permissions.js";
import { repositoryCopy, repositoryDelete, repositoryList, repositoryRename } from "./commands/repositories.js";
import { retention } from "./commands/retention.js";
import { scrub } from "./commands/scrub.js";
import { serve } from "./commands/serve.js";
import { tokenCreate } from "./commands/token-create.js";
import { tokenList } from "./commands/token-list.js";
import { tokenRevoke } from "./commands/token-revoke.js";
import { tokenServer } from "./commands/token-server.js";
import { usage } from "./commands/usage.js";
import { verify } from "./commands/verify.js";

/** The commands of `registry`, in the order of its help. Adding one takes a file and a line here. */
export const COMMANDS: readonly Command[] = [
  serve,
  garbageCollect,
  retention,
  scrub,
  backup,
  restore,
  repositoryList,
  repositoryDelete,
  repositoryCopy,
  repositoryRename,
  usage,
  mirrorCopy,
  mirrorSync,
  verify,
  permissions,
  healthcheck,
  tokenServer,
  accessExplain,
  keysList,
  keysRotate,
  loginsRevoke,
  tokenCreate,
  tokenList,
  tokenRevoke,
];
