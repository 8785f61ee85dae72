/** A request that must be answered with `status`. Throws with the response otherwise. */
export async function fetchExpecting(status: number, url: string | URL, request: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, request);
  if (response.status === status) return response;
  const method = request.method ?? "GET";
  throw new Error(`${method} ${String(url)}: ${response.status} instead of ${status}: ${await response.text()}`);
}
