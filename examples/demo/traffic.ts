/** Some traffic of three customers: reads, a write, a trace, a batch, and calls that fail. */

type Call = readonly [method: string, params?: readonly unknown[]];

/** Requests by project; the empty one sends no project id. An array is a batch. */
const REQUESTS: readonly (readonly [project: string, request: Call | readonly Call[]])[] = [
  ["acme", ["eth_chainId"]],
  ["acme", ["eth_blockNumber"]],
  ["acme", ["eth_getBalance", ["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "latest"]]],
  ["globex", ["eth_gasPrice"]],
  ["globex", [["eth_blockNumber"], ["eth_chainId"], ["net_version"]]],
  ["globex", ["eth_getLogs", [{ fromBlock: "0x0", toBlock: "latest" }]]],
  ["initech", ["eth_getBlockByNumber", ["latest", false]]],
  ["initech", ["eth_thisIsNoMethod"]],
  ["initech", ["eth_getBalance", ["not an address", "latest"]]],
  ["", ["web3_clientVersion"]],
];

/** Goes on sending some of it, a few calls a second, until it is told to stop. */
export async function keepSending(relayUrl: string, stop: AbortSignal): Promise<void> {
  for (let turn = 0; !stop.aborted; turn++) {
    // Not all projects are equally busy.
    const [project, request] = REQUESTS[(turn * turn + turn) % REQUESTS.length]!;
    await sendOne(relayUrl, project, request).catch(() => {});
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 300);
      stop.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      }, { once: true });
    });
  }
}

async function sendOne(relayUrl: string, project: string, request: Call | readonly Call[]): Promise<unknown> {
  const isBatch = Array.isArray(request[0]);
  const calls = (isBatch ? request : [request]) as readonly Call[];
  const messages = calls.map(([method, params = []], id) => ({ jsonrpc: "2.0", id, method, params }));
  const response = await fetch(relayUrl, {
    method: "POST",
    headers: { "content-type": "application/json", ...(project !== "" && { "project-id": project }) },
    body: JSON.stringify(isBatch ? messages : messages[0]),
  });
  return (await response.json()).result;
}

/** Sends the traffic, ending with a transaction and its trace where the node lets us; counts the requests. */
export async function sendTraffic(relayUrl: string): Promise<number> {
  let count = 0;
  const send = async (project: string, request: Call | readonly Call[]): Promise<unknown> => {
    count++;
    return await sendOne(relayUrl, project, request);
  };

  for (const [project, request] of REQUESTS) await send(project, request);
  const accounts = await send("acme", ["eth_accounts"]);
  if (!Array.isArray(accounts) || accounts.length < 2) return count;
  const transfer = { from: accounts[0], to: accounts[1], value: "0x1" };
  const hash = await send("acme", ["eth_sendTransaction", [transfer]]);
  if (typeof hash === "string") await send("acme", ["debug_traceTransaction", [hash]]);
  return count;
}
