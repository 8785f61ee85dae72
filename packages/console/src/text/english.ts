import { formatCount } from "../lib/bytes.js";

function count(number: number, one: string, many: string): string {
  return `${formatCount(number)} ${number === 1 ? one : many}`;
}

/** Every text that the console shows of its own. Another language is another object of this shape. */
export const english = {
  product: "Longshore",
  navigation: "Pages",
  skipToContent: "Skip to the content",
  home: "All repositories",
  pages: {
    repositories: "Repositories",
    usage: "Usage",
    activity: "Activity",
    operation: "Operation",
    tokens: "Tokens",
    compare: "Compare",
    login: "Log in",
  },
  theme: {
    label: "Colours",
    system: "As the system",
    light: "Light",
    dark: "Dark",
  },
  account: {
    logIn: "Log in",
    logOut: "Log out",
    anonymous: "Not logged in",
    as: (account: string) => `Logged in as ${account}`,
  },
  notSet: "not set",
  never: "never",
  tag: "tag",
  tags: "tags",
  none: "none",
  unknown: "unknown",
  loading: "Loading",
  retry: "Try again",
  copy: (what: string) => `Copy ${what}`,
  copied: "Copied",
  cantCopy: "This browser doesn't let the page copy. The text is selected: press Ctrl+C.",
  columns: {
    name: "Name",
    tags: "Tags",
    size: "Size",
    pushed: "Last push",
    pulled: "Last pull",
  },
  sortBy: "Sort by",
  ascending: "ascending",
  descending: "descending",
  reverse: "Reverse the order",
  repositories: {
    title: "Repositories",
    search: "Search repositories",
    searchHint: "Press / to search",
    count: (total: number) => count(total, "repository", "repositories"),
    matching: (total: number, search: string) => `${count(total, "repository", "repositories")} with “${search}”`,
    tags: (tags: number) => count(tags, "tag", "tags"),
    view: "View",
    list: "List",
    tree: "Tree",
    nothing: (search: string) => `No repository has “${search}” in its name.`,
    clear: "Show all repositories",
    open: (path: string) => `Open ${path}`,
    close: (path: string) => `Close ${path}`,
    completing: (loaded: number, total: number) => `${formatCount(loaded)} of ${formatCount(total)} repositories read`,
    sizeHint: "Each layer counts once in its repository. Repositories that share layers take less together.",
    forbidden: "You may not list all repositories here. If you know the name of one, open it:",
    nameLabel: "Name of a repository",
    go: "Open",
  },
  gettingStarted: {
    title: "This registry is empty",
    lead: "Four commands fill it. They work as they are here.",
    step: {
      pull: "Fetch any image",
      tag: "Give it a name at this registry",
      push: "Push it",
      back: "And anybody who may pulls it back",
    },
    logIn: "Before the first push, log in",
    clients: "Client",
    plainTitle: "This page came over plain HTTP",
    plain: (address: string) =>
      `Clients insist on HTTPS for every address but localhost. Either give the registry a certificate (http.tls, or http.tls.letsencrypt), or tell each client that ${address} is allowed without:`,
    localTitle: "On this machine alone",
    local: (address: string) =>
      `${address} is this machine itself, which clients trust without HTTPS. For other machines the registry needs a name and a certificate (http.tls).`,
    tlsTitle: "If a client doesn't trust the certificate",
    tls: "A certificate of a public authority works at once. One of your own authority has to be where the client looks for it:",
    inFile: (file: string) => `in ${file}`,
    restart: "then restart Docker",
  },
  unknownPage: {
    title: "There is no such page",
    what: "The address may be from another version of this console.",
    back: "Go to the repositories",
  },
  failure: {
    unreachable: {
      title: "The registry doesn't answer",
      what: "It may be restarting, or the network is down. Nothing was changed.",
    },
    login: {
      title: "You aren't logged in",
      what: "Log in to see this. If you were logged in, your session has ended.",
    },
    forbidden: {
      title: "You may not see this",
      what: "Your account lacks the right. Ask the people who run this registry for it.",
    },
    missing: {
      title: "There is nothing here",
      what: "It may have been deleted, or renamed, or never pushed.",
    },
    unsupported: {
      title: "This registry doesn't do that",
      what: "Its configuration turns it off. The registry says:",
    },
    busy: { title: "The registry is busy", what: "It asks to wait for a moment before trying again." },
    unexpected: {
      title: "Something went wrong",
      what: "The registry's log has more about it. The registry says:",
    },
  },
} as const;
