interface Step {
  readonly created?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly comment?: string | undefined;
  readonly layer?: number | undefined;
}

interface Layer {
  readonly digest: string;
  readonly size: number;
}

/** A step of a build with the layer that it made, or a layer of which no step is known. */
export interface BuildStep<L extends Layer> {
  /** As in a Dockerfile; undefined if nothing says it. */
  readonly command: string | undefined;
  readonly created: string | undefined;
  readonly layer: L | undefined;
}

/** The most characters of a command that are shown. */
const MOST_COMMAND = 16 * 1024;

/** What builders write around the command itself. */
const RUN = "RUN ";
const SHELL = "/bin/sh -c ";
const NO_COMMAND = "#(nop)";
const BUILDKIT = "# buildkit";

/**
 * `RUN npm ci` of `RUN |1 VERSION=2 /bin/sh -c npm ci # buildkit`. By hand, in one pass: the text is anybody's, and as long as they like.
 */
export function cleanCommand(text: string): string {
  const whole = text.trim();
  const command = whole.endsWith(BUILDKIT) ? whole.slice(0, -BUILDKIT.length).trimEnd() : whole;
  const run = command.startsWith(RUN) ? command.slice(RUN.length).trimStart() : command;
  // The build's arguments with their values, after how many there are.
  const shell = run.startsWith("|") ? run.indexOf(SHELL) : 0;
  const bare = shell >= 0 && run.startsWith(SHELL, shell) ? run.slice(shell + SHELL.length).trimStart() : undefined;
  if (bare === undefined) return shorten(command);
  return bare.startsWith(NO_COMMAND) ? shorten(bare.slice(NO_COMMAND.length).trimStart()) : shorten(`${RUN}${bare}`);
}

function shorten(command: string): string {
  return command.length > MOST_COMMAND ? `${command.slice(0, MOST_COMMAND)} …` : command;
}

function commandOf({ createdBy = "", comment }: Pick<Step, "createdBy" | "comment">): string | undefined {
  if (createdBy !== "") return cleanCommand(createdBy);
  return comment === undefined ? undefined : shorten(comment);
}

/** History beside layers. Layers that the history doesn't name come at the end. */
export function buildSteps<L extends Layer>(history: readonly Step[], layers: readonly L[]): readonly BuildStep<L>[] {
  const named = new Set(history.map(({ layer }) => layer));
  return [
    ...history.map(({ created, layer, ...step }) => ({
      command: commandOf(step),
      created,
      layer: layer === undefined ? undefined : layers[layer],
    })),
    ...layers
      .filter((_, index) => !named.has(index))
      .map((layer) => ({ command: undefined, created: undefined, layer })),
  ];
}
