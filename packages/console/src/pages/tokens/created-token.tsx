import type { JSX } from "preact";
import type { NewToken } from "../../api/tokens.js";
import { Command } from "../../parts/copy.js";
import { Dialog } from "../../parts/dialog.js";
import { registryAddress } from "../../state/session.js";
import { texts } from "../../text/index.js";

const words = texts.tokens;

/** Shows a token's text, this once. */
export function CreatedToken({
  token: { account, token },
  onClose,
}: {
  readonly token: NewToken;
  readonly onClose: () => void;
}): JSX.Element {
  return (
    <Dialog title={words.madeTitle} onClose={onClose}>
      <div class="made">
        <p>{words.made}</p>
        <Command value={token} what={texts.things.token} />
        <p>{words.use}</p>
        <Command value={`docker login -u ${quoted(account)} ${registryAddress()}`} what={texts.things.command} />
      </div>
      <div class="actions">
        <button type="button" class="button strong" onClick={onClose}>
          {words.kept}
        </button>
      </div>
    </Dialog>
  );
}

/** As one word of a shell's command: accounts may have characters that mean something there. */
function quoted(account: string): string {
  return /^[A-Za-z0-9@._+/-]+$/.test(account) ? account : `'${account.replaceAll("'", "'\\''")}'`;
}
