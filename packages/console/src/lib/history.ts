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

/** What builders write around the command itself. */
const WRAPPINGS = [
  /^\/bin\/sh -c #\(nop\)\s*/,
  /^\|\d+\s+(?:\S+=\S*\s+)*(?=\/bin\/sh -c )/,
  /^(?:RUN\s+)?\/bin\/sh -c\s+(?=\S)/,
  /\s*# buildkit$/,
];

/** `RUN npm ci` of `RUN /bin/sh -c npm ci # buildkit`. */
function cleanCommand(text: string): string {
  const isShell = /^(?:\|\d+.*)?(?:RUN\s+)?\/bin\/sh -c (?!#\(nop\))/.test(text);
  const bare = WRAPPINGS.reduce((command, wrapping) => command.replace(wrapping, ""), text.trim()).trim();
  return isShell ? `RUN ${bare}` : bare;
}

/** History beside layers. Layers that the history doesn't name come at the end. */
export function buildSteps<L extends Layer>(history: readonly Step[], layers: readonly L[]): readonly BuildStep<L>[] {
  const named = new Set(history.map(({ layer }) => layer));
  return [
    ...history.map(({ createdBy, comment, created, layer }) => ({
      command: createdBy === undefined || createdBy === "" ? comment : cleanCommand(createdBy),
      created,
      layer: layer === undefined ? undefined : layers[layer],
    })),
    ...layers
      .filter((_, index) => !named.has(index))
      .map((layer) => ({ command: undefined, created: undefined, layer })),
  ];
}
