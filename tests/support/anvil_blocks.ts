/** Adds a block to an anvil. */
export async function mineBlock(url: string): Promise<void> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"evm_mine","params":[]}';
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!(await response.text()).includes("result")) throw new Error("no block was mined");
}
