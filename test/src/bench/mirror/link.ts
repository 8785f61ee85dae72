import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@longshore/testkit/loopback";
import { programPath } from "../programs.js";
import { untilAnswered } from "../servers.js";

/** nginx in front of a registry, as though it were reached over a slower network. */
export interface Link extends AsyncDisposable {
  readonly origin: string;
}

/** Each connection gets `rate` bytes per second of what `origin` sends, after the first 64 KiB. */
export async function startLink(origin: string, rate: number, folder: string): Promise<Link> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  await writeFile(
    config,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
events {}
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${origin}; proxy_set_header Host $http_host; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_max_temp_file_size 0; proxy_buffers 8 256k; proxy_buffer_size 256k; proxy_busy_buffers_size 512k;
      limit_rate ${rate}; limit_rate_after 64k;
    }
  }
}
`,
  );
  const nginx = spawn(programPath("nginx"), ["-e", "stderr", "-c", config], { stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(nginx, "exit");
  const link = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    nginx.kill("SIGTERM");
    await exited;
  };
  try {
    await untilAnswered(
      `${link}/v2/`,
      exited.then(() => true),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { origin: link, [Symbol.asyncDispose]: stop };
}
