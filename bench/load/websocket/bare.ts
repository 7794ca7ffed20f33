/** What the runtime's sockets cost by themselves: sends a node's messages on to every client, and prints its port. */
const clients = new Set<WebSocket>();
const node = new WebSocket(Deno.args[0]!);
node.onopen = () => node.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}');
node.onmessage = ({ data }) => {
  if (data.includes('"method"')) { for (const client of clients) client.send(data); }
};
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => clients.add(socket);
  socket.onmessage = () => socket.send('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
  socket.onclose = () => clients.delete(socket);
  return response;
});
Deno.stdout.writeSync(new TextEncoder().encode(`${server.addr.port}\n`));
