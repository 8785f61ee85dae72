import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.js";

const TEXT = `version: 0.1
storage:
  filesystem: { rootdirectory: /data }
auth:
  htpasswd: { realm: r, path: /etc/htpasswd }
http:
  addr: 127.0.0.1:5000
  secret: very-secret-words
notifications:
  endpoints:
    - name: hook
      url: https://user:hunter2@hook.example/
      headers: { X-Key: [header-secret] }
`;

function settingsOf(environment: Readonly<Record<string, string>> = {}) {
  const loaded = loadConfig({ text: TEXT, file: "config.yml", environment, machine: { cores: 1 } });
  if (loaded.config === undefined) throw new Error(loaded.errors.map(({ message }) => message).join("\n"));
  return new Map(loaded.settings().map((setting) => [setting.path, setting]));
}

describe("the settings that a registry runs with", () => {
  it("are those of the file, of variables, and defaults", () => {
    const settings = settingsOf({ REGISTRY_LOG_LEVEL: "debug" });
    expect(settings.get("http.addr")).toMatchObject({
      value: "127.0.0.1:5000",
      source: { origin: "file", file: "config.yml", line: 7 },
    });
    expect(settings.get("log.level")).toMatchObject({
      value: "debug",
      source: { origin: "environment", variable: "REGISTRY_LOG_LEVEL" },
    });
    expect(settings.get("http.prefix")).toEqual({ path: "http.prefix", value: "/", source: undefined });
    expect([...settings.keys()].filter((path) => path.startsWith("storage.s3"))).toEqual([]);
  });

  it("hide what is secret, wherever it stands", () => {
    const settings = settingsOf({ REGISTRY_HTTP_SECRET: "another-secret" });
    expect(settings.get("http.secret")).toMatchObject({ value: undefined, source: { origin: "environment" } });
    const text = JSON.stringify([...settings.values()]);
    for (const secret of ["very-secret", "another-secret", "hunter2", "header-secret"])
      expect(text).not.toContain(secret);
  });
});
