/**
 * Requests, and what each of them must be billed and treated as. Worked out from the ecosystem's spec files by a program
 * of another language, so that nothing here repeats what the code under test believes.
 *
 * A row: chain, interface and circumstances | request | API | compute units | block, or range of blocks | flags.
 * Circumstances: `verb` of a REST request, `at` a path, `ask` for an extension, `head` the newest block (0: not known),
 * with which a provider serves the extension. Flags: `to` an internal path, the rest as they read; `-` for none.
 */
export const REQUEST_TABLE = `
ETH1 jsonrpc | {"method":"eth_blockNumber","params":[]} | eth_blockNumber | 10 | latest | deterministic
ETH1 jsonrpc | {"method":"eth_call","params":[{"to":"0x52908400"},"latest"]} | eth_call | 20 | latest | deterministic
ETH1 jsonrpc head=70000 | {"method":"eth_call","params":[{"to":"0x52908400"},"0x10d4f"]} | eth_call | 100 | 68943 | deterministic archive
ETH1 jsonrpc head=4502 | {"method":"eth_call","params":[{"to":"0x52908400"},"0x1117"]} | eth_call | 20 | 4375 | deterministic
ETH1 jsonrpc head=4503 | {"method":"eth_call","params":[{"to":"0x52908400"},"0x1117"]} | eth_call | 100 | 4375 | deterministic archive
ETH1 jsonrpc head=0 | {"method":"eth_getBalance","params":["0x52908400","earliest"]} | eth_getBalance | 100 | earliest | deterministic archive
ETH1 jsonrpc | {"method":"eth_getBalance","params":["0x52908400","pending"]} | eth_getBalance | 20 | pending | deterministic
ETH1 jsonrpc | {"method":"eth_getBalance","params":["0x52908400",{"blockHash":"0xabababababababababababababababababababababababababababababababab"}]} | eth_getBalance | 20 | none | deterministic
ETH1 jsonrpc | {"method":"eth_getBalance","params":["0x52908400",{"blockNumber":"0x2a"}]} | eth_getBalance | 20 | 42 | deterministic
ETH1 jsonrpc | {"method":"eth_getBlockByNumber","params":["finalized",false]} | eth_getBlockByNumber | 20 | finalized | deterministic
ETH1 jsonrpc ask=archive | {"method":"eth_getBlockByNumber","params":["safe",true]} | eth_getBlockByNumber | 100 | safe | deterministic archive
ETH1 jsonrpc | {"method":"eth_gasPrice"} | eth_gasPrice | 20 | latest | deterministic timeout=1000
ETH1 jsonrpc | {"method":"eth_estimateGas","params":[{"to":"0x52908400"}]} | eth_estimateGas | 100 | latest | deterministic
ETH1 jsonrpc | {"method":"eth_getLogs","params":[{"fromBlock":"0x1","toBlock":"0x64"}]} | eth_getLogs | 80 | 100 | -
ETH1 jsonrpc head=0 | {"method":"eth_getLogs","params":[{"fromBlock":"0x1","toBlock":"0x64"}]} | eth_getLogs | 400 | 100 | archive
ETH1 jsonrpc | {"method":"eth_sendRawTransaction","params":["0x02f8"]} | eth_sendRawTransaction | 10 | latest | hanging stateful=1
ETH1 jsonrpc | {"method":"eth_subscribe","params":["newHeads"]} | eth_subscribe | 1000 | latest | subscription
ETH1 jsonrpc | {"method":"debug_traceBlockByNumber","params":["0x64",{}]} | debug_traceBlockByNumber | 100 | 100 | deterministic add-on=debug
ETH1 jsonrpc ask=archive | {"method":"debug_traceCall","params":[{"to":"0x52908400"},"latest",{}]} | debug_traceCall | 500 | latest | deterministic add-on=debug archive
ETH1 jsonrpc | {"method":"trace_filter","params":[{"fromBlock":"0x10","toBlock":"0x20"}]} | trace_filter | 200 | 16..32 | add-on=trace
ETH1 jsonrpc | {"method":"trace_transaction","params":["0xabababababababababababababababababababababababababababababababab"]} | trace_transaction | 200 | none | add-on=trace
ETH1 jsonrpc | {"method":"eth_sendUserOperation","params":[{},"0x52908400"]} | eth_sendUserOperation | 200 | latest | add-on=bundler
ETH1 jsonrpc | {"method":"eth_notThere","params":[]} | Default-eth_notThere | 20 | latest | -
ETH1 jsonrpc | {"method":"__proto__","params":[]} | Default-__proto__ | 20 | latest | -
ETH1 jsonrpc | {"method":"constructor","params":[]} | Default-constructor | 20 | latest | -
ETH1 jsonrpc | [{"method":"eth_call","params":[{"to":"0x52908400"},"0x5"]},{"method":"eth_chainId","params":[]}] | eth_call&eth_chainId | 30 | 5..latest | deterministic
ETH1 jsonrpc head=0 | [{"method":"eth_getBlockByNumber","params":["0x5",false]},{"method":"eth_getBlockByNumber","params":["0x9",false]}] | eth_getBlockByNumber&eth_getBlockByNumber | 200 | 5..9 | deterministic archive
ETH1 jsonrpc | [{"method":"eth_sendRawTransaction","params":["0x02f8"]},{"method":"eth_gasPrice"}] | eth_sendRawTransaction&eth_gasPrice | 30 | latest | hanging stateful=1
SEP1 jsonrpc | {"method":"eth_getCode","params":["0x52908400","0x7b"]} | eth_getCode | 20 | 123 | -
HOL1 jsonrpc | {"method":"eth_getStorageAt","params":["0x52908400","0x0","latest"]} | eth_getStorageAt | 20 | latest | deterministic
HOL1 jsonrpc | {"method":"eth_getProof","params":["0x52908400",[],"0x7b"]} | eth_getProof | 20 | 123 | deterministic
ARBITRUM jsonrpc | {"method":"arbtrace_block","params":["0x64"]} | arbtrace_block | 50 | 100 | deterministic add-on=arbtrace
ARBITRUM jsonrpc | {"method":"eth_getTransactionReceipt","params":["0xabababababababababababababababababababababababababababababababab"]} | eth_getTransactionReceipt | 20 | latest | deterministic
ARBITRUMN jsonrpc | {"method":"eth_getTransactionCount","params":["0x52908400","safe"]} | eth_getTransactionCount | 20 | safe | deterministic
BASE jsonrpc | {"method":"eth_getBlockReceipts","params":["0x64"]} | eth_getBlockReceipts | 20 | 100 | deterministic
BASES jsonrpc | {"method":"eth_feeHistory","params":["0x4","latest",[]]} | eth_feeHistory | 10 | latest | deterministic
OPTM jsonrpc | {"method":"eth_getBlockRange","params":["0x1","0x9",false]} | eth_getBlockRange | 10 | 9 | deterministic
OPTM jsonrpc | {"method":"rollup_getInfo"} | rollup_getInfo | 10 | none | -
OPTM jsonrpc | {"method":"optimism_outputAtBlock","params":["0x9"]} | Default-optimism_outputAtBlock | 20 | latest | -
OPTM jsonrpc | {"method":"eth_sendTransaction","params":[{}]} | Default-eth_sendTransaction | 20 | latest | -
OPTM jsonrpc | {"method":"eth_getAccounts"} | Default-eth_getAccounts | 20 | latest | -
POLYGON jsonrpc | {"method":"bor_getAuthor","params":["0x64"]} | bor_getAuthor | 10 | 100 | deterministic
POLYGON jsonrpc | {"method":"bor_getRootHash","params":["0x1","0x64"]} | bor_getRootHash | 10 | 100 | deterministic
POLYGON jsonrpc | {"method":"bor_getCurrentValidators"} | bor_getCurrentValidators | 20 | latest | deterministic
BSC jsonrpc | {"method":"eth_getBlockTransactionCountByNumber","params":["0x64"]} | eth_getBlockTransactionCountByNumber | 20 | 100 | deterministic
BSC jsonrpc ask=archive | {"method":"debug_getRawHeader","params":["0x64"]} | debug_getRawHeader | 250 | 100 | deterministic add-on=debug archive
AVAX jsonrpc | {"method":"eth_call","params":[{"to":"0x52908400"},"latest"]} | eth_call | 20 | latest | deterministic to=/C/rpc
AVAX jsonrpc at=/ext/bc/C/rpc | {"method":"eth_getLogs","params":[{"fromBlock":"0x1","toBlock":"0x64"}]} | eth_getLogs | 80 | 100 | to=/C/rpc
AVAX jsonrpc at=/ext/bc/C/rpc/ | {"method":"eth_estimateGas","params":[{"to":"0x52908400"}]} | eth_estimateGas | 100 | latest | deterministic to=/C/rpc
AVAX jsonrpc | {"method":"eth_sendRawTransaction","params":["0x02f8"]} | eth_sendRawTransaction | 10 | latest | hanging stateful=1 to=/C/rpc
AVAX jsonrpc | {"method":"debug_traceCall","params":[{"to":"0x52908400"},"latest",{}]} | debug_traceCall | 100 | latest | deterministic add-on=debug to=/C/rpc
AVAX jsonrpc at=/C/rpc | {"method":"debug_getRawHeader","params":["0x64"]} | Default-debug_getRawHeader | 20 | latest | to=/C/rpc
AVAX jsonrpc at=/C/rpc | {"method":"trace_block","params":["0x64"]} | trace_block | 200 | 100 | add-on=trace to=/C/rpc
AVAX jsonrpc | {"method":"platform.getValidatorsAt","params":{"height":"77"}} | platform.getValidatorsAt | 10 | 77 | deterministic to=/P
AVAX jsonrpc at=/ext/P | {"method":"platform.getHeight","params":{}} | platform.getHeight | 10 | latest | deterministic to=/P
AVAX jsonrpc at=/X | {"method":"avm.getBlockByHeight","params":{"height":12}} | avm.getBlockByHeight | 15 | 12 | deterministic to=/X
AVAX jsonrpc at=/C/avax | {"method":"avax.issueTx","params":{"tx":"0x"}} | avax.issueTx | 10 | latest | hanging stateful=1 to=/C/avax
AVAX jsonrpc at=/P | {"method":"eth_call","params":[{"to":"0x52908400"},"0x5"]} | Default-eth_call | 20 | latest | to=/P
AVALANCHEC jsonrpc | {"method":"eth_getBalance","params":["0x52908400","0x64"]} | eth_getBalance | 20 | 100 | deterministic to=/C/rpc
AVALANCHEC jsonrpc | {"method":"eth_callDetailed","params":[{"to":"0x52908400"},"latest"]} | eth_callDetailed | 20 | latest | deterministic to=/C/rpc
AVALANCHEC jsonrpc | {"method":"eth_subscribe","params":["newHeads"]} | eth_subscribe | 1000 | latest | subscription to=/C/rpc
AVALANCHEP jsonrpc | {"method":"platform.getBlockByHeight","params":{"height":"5"}} | platform.getBlockByHeight | 20 | 5 | deterministic to=/P
AVALANCHEP jsonrpc | {"method":"platform.issueTx","params":{"tx":"0x"}} | platform.issueTx | 10 | latest | hanging stateful=1 to=/P
BTC jsonrpc | {"method":"getblockhash","params":[840000]} | getblockhash | 10 | 840000 | deterministic
BTC jsonrpc | {"method":"getblock","params":["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]} | getblock | 20 | none | deterministic
BTC jsonrpc | {"method":"getblockstats","params":[1000]} | getblockstats | 20 | 1000 | deterministic
BTC jsonrpc | {"method":"gettxoutsetinfo"} | gettxoutsetinfo | 500 | latest | deterministic timeout=180000
BTC jsonrpc | {"method":"sendrawtransaction","params":["0200"]} | sendrawtransaction | 10 | latest | hanging stateful=1
BTC jsonrpc | {"method":"getrawtransaction","params":["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",true,"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]} | getrawtransaction | 10 | none | deterministic
LTC jsonrpc | {"method":"getblockcount","params":[]} | getblockcount | 10 | latest | deterministic
DOGE jsonrpc | {"method":"getchaintxstats","params":[10,"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]} | getchaintxstats | 10 | none | deterministic
BCH jsonrpc | {"method":"getdsproof","params":["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]} | getdsproof | 10 | latest | deterministic stateful=1
BCH jsonrpc | {"method":"getblocktemplatelight","params":[]} | getblocktemplatelight | 10 | latest | deterministic stateful=2
BCH jsonrpc | {"method":"parkblock","params":["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"]} | parkblock | 10 | none | deterministic
SOLANA jsonrpc | {"method":"getBlock","params":[430]} | getBlock | 30 | 430 | deterministic
SOLANA jsonrpc | {"method":"getBlocks","params":[5,10]} | getBlocks | 10 | 10 | deterministic
SOLANA jsonrpc | {"method":"getSlot","params":[]} | getSlot | 10 | latest | deterministic
SOLANA jsonrpc | {"method":"sendTransaction","params":["AQ=="]} | sendTransaction | 10 | latest | hanging stateful=1
SOLANA jsonrpc | {"method":"accountSubscribe","params":["11111111111111111111111111111111"]} | accountSubscribe | 1000 | latest | subscription
SOLANAT jsonrpc | {"method":"getBlockTime","params":[7]} | getBlockTime | 10 | 7 | deterministic
NEAR jsonrpc | {"method":"block","params":{"finality":"final"}} | block | 10 | latest | deterministic
NEAR jsonrpc | {"method":"block","params":{"block_id":17}} | block | 10 | 17 | deterministic
NEAR jsonrpc | {"method":"block","params":[17]} | block | 10 | 17 | deterministic
NEAR jsonrpc | {"method":"gas_price","params":[null]} | gas_price | 10 | latest | deterministic
NEAR jsonrpc | {"method":"query","params":{"request_type":"view_account","finality":"final"}} | query | 20 | latest | deterministic
NEAR jsonrpc | {"method":"query","params":{"request_type":"view_account","block_id":9}} | query | 20 | 9 | deterministic
NEAR jsonrpc | {"method":"tx","params":{"tx_hash":"9fzTX","sender_account_id":"a.near"}} | tx | 10 | none | deterministic hanging timeout=10000
NEAR jsonrpc | {"method":"broadcast_tx_commit","params":["AQ=="]} | broadcast_tx_commit | 10 | latest | hanging stateful=1 timeout=20000
COSMOSHUB tendermintrpc | /block?height=5 | block | 10 | 5 | deterministic
COSMOSHUB tendermintrpc | {"method":"block","params":{"height":"5"}} | block | 10 | 5 | deterministic
COSMOSHUB tendermintrpc | {"method":"block","params":["5"]} | block | 10 | 5 | deterministic
COSMOSHUB tendermintrpc | {"method":"block","params":{}} | block | 10 | latest | deterministic
COSMOSHUB tendermintrpc | {"method":"broadcast_tx_commit","params":{"tx":"AQ=="}} | broadcast_tx_commit | 10 | none | hanging stateful=1
LAVA tendermintrpc | {"method":"blockchain","params":{"minHeight":"3","maxHeight":"9"}} | blockchain | 10 | 9 | deterministic
LAVA tendermintrpc | /abci_query?path=x&height=12 | abci_query | 10 | 12 | deterministic
TENDERMINT tendermintrpc | {"method":"subscribe","params":{"query":"tm.event='NewBlock'"}} | subscribe | 1000 | latest | subscription
LAVA tendermintrpc | {"method":"tx","params":{"hash":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}} | tx | 10 | none | -
COSMOSHUB tendermintrpc | {"method":"nothing","params":{}} | Default-nothing | 20 | latest | -
COSMOSHUB rest | /cosmos/base/tendermint/v1beta1/blocks/latest | /cosmos/base/tendermint/v1beta1/blocks/latest | 10 | latest | deterministic
COSMOSHUB rest | /cosmos/base/tendermint/v1beta1/blocks/12 | /cosmos/base/tendermint/v1beta1/blocks/{height} | 10 | 12 | deterministic
COSMOSHUB rest | /cosmos/base/tendermint/v1beta1/blocks/12/ | /cosmos/base/tendermint/v1beta1/blocks/{height} | 10 | 12 | deterministic
COSMOSHUB rest | /cosmos/bank/v1beta1/balances/cosmos1abc | /cosmos/bank/v1beta1/balances/{address} | 10 | latest | deterministic
COSMOSHUB rest | /cosmos/bank/v1beta1/balances/cosmos1abc/ibc%2FAB | Default-/cosmos/bank/v1beta1/balances/cosmos1abc/ibc%2FAB | 20 | latest | -
COSMOSHUB rest verb=POST | /cosmos/tx/v1beta1/txs | /cosmos/tx/v1beta1/txs | 10 | latest | hanging stateful=1
COSMOSHUB rest | /cosmos/tx/v1beta1/txs/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd | /cosmos/tx/v1beta1/txs/{hash} | 10 | none | deterministic
COSMOSHUB rest | /cosmos/nothing/v1 | Default-/cosmos/nothing/v1 | 20 | latest | -
LAVA rest | /lavanet/lava/pairing/verify_pairing/ETH1/c/p/99 | /lavanet/lava/pairing/verify_pairing/{chainID}/{client}/{provider}/{block} | 10 | 99 | deterministic
LAVA rest verb=POST | /cosmos/tx/v1beta1/simulate | /cosmos/tx/v1beta1/simulate | 10 | latest | stateful=1
COSMOSSDK rest | /cosmos/staking/v1beta1/historical_info/8 | /cosmos/staking/v1beta1/historical_info/{height} | 10 | 8 | deterministic
IBC rest | /ibc/apps/transfer/v1/params | /ibc/apps/transfer/v1/params | 10 | none | deterministic
COSMOSWASM rest | /cosmwasm/wasm/v1/code/7 | /cosmwasm/wasm/v1/code/{code_id} | 10 | none | -
COSMOSHUB grpc | cosmos.bank.v1beta1.Query/Balance | cosmos.bank.v1beta1.Query/Balance | 10 | latest | deterministic
COSMOSHUB grpc | cosmos.tx.v1beta1.Service/BroadcastTx | cosmos.tx.v1beta1.Service/BroadcastTx | 10 | none | hanging stateful=1
COSMOSHUB grpc | my.own.Service/Call | Default-my.own.Service/Call | 20 | latest | -
LAVA grpc | lavanet.lava.spec.Query/ShowAllChains | lavanet.lava.spec.Query/ShowAllChains | 10 | latest | deterministic
COSMOSSDK grpc | cosmos.base.tendermint.v1beta1.Service/GetNodeInfo | cosmos.base.tendermint.v1beta1.Service/GetNodeInfo | 10 | none | -
COSMOSHUB grpc | cosmos.group.v1.Query/GroupInfo | Default-cosmos.group.v1.Query/GroupInfo | 20 | latest | -
IBC grpc | ibc.core.channel.v1.Query/Channels | ibc.core.channel.v1.Query/Channels | 10 | none | deterministic
`;
