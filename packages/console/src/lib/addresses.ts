/** How clients reach a registry at an address, by what they trust. */
export type Trust = "local" | "plain" | "tls";

const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

/** `address` as in an image's name; `protocol` as the page's: `http:` or `https:`. */
export function trustOf(address: string, protocol: string): Trust {
  if (protocol === "https:") return "tls";
  return LOCAL.test(address) ? "local" : "plain";
}

/** A client, and what it has to be told. */
export interface ClientSetting {
  readonly client: string;
  readonly file: string;
  readonly setting: string;
}

/** What lets clients use a registry without HTTPS. */
export function plainSettings(address: string): readonly ClientSetting[] {
  return [
    {
      client: "Docker",
      file: "/etc/docker/daemon.json",
      setting: JSON.stringify({ "insecure-registries": [address] }, undefined, 2),
    },
    {
      client: "Podman, Buildah, Skopeo",
      file: "/etc/containers/registries.conf.d/registry.conf",
      setting: `[[registry]]\nlocation = "${address}"\ninsecure = true`,
    },
    {
      client: "containerd",
      file: `/etc/containerd/certs.d/${address}/hosts.toml`,
      setting: `server = "http://${address}"\n\n[host."http://${address}"]\n  capabilities = ["pull", "resolve", "push"]`,
    },
  ];
}

/** Where clients look for the certificate of an authority of one's own. */
export function certificateFolders(address: string): readonly ClientSetting[] {
  return [
    { client: "Docker", file: `/etc/docker/certs.d/${address}/ca.crt`, setting: "" },
    { client: "Podman, Buildah, Skopeo", file: `/etc/containers/certs.d/${address}/ca.crt`, setting: "" },
    {
      client: "containerd",
      file: `/etc/containerd/certs.d/${address}/hosts.toml`,
      setting: `server = "https://${address}"\n\n[host."https://${address}"]\n  ca = "/etc/containerd/certs.d/${address}/ca.crt"`,
    },
  ];
}
