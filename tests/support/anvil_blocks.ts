/** Has something happen on the chain of an anvil. */

/** Adds a block. */
export async function mineBlock(url: string): Promise<void> {
  await ask(url, "evm_mine", []);
}

/** Sends a transaction of one of the accounts that the node has; comes back with its hash. */
export async function sendTransaction(url: string, account: number): Promise<string> {
  const accounts = await ask(url, "eth_accounts", []) as readonly string[];
  const from = accounts[account]!;
  return String(await ask(url, "eth_sendTransaction", [{ from, to: from, value: "0x1" }]));
}

async function ask(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await response.json();
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}
