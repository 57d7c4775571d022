export type { ListenAddress, ListenEvent, ListenOptions } from './connection/listen.js';
export { listen } from './connection/listen.js';
export type { DialOptions, DialState } from './connection/dial.js';
export type { Reconnect } from './connection/backoff.js';
export { dial } from './connection/dial.js';
export type { MemoryOptions } from './connection/memory.js';
export { memory } from './connection/memory.js';
export type { DuplexOptions } from './connection/from-duplex.js';
export { fromDuplex } from './connection/from-duplex.js';
export type {
  Connection,
  ConnectionOptions,
  ConnectionState,
  ConnectionStatistics,
  EndOptions,
  ReadBuffer,
} from './connection/connection.js';
export type { MemoryBudget, MemoryLimits } from './connection/memory-budget.js';
export { memoryBudget } from './connection/memory-budget.js';
export type { Place } from './connection/address.js';
export type { TlsSource, TlsWatching } from './connection/tls-from.js';
export { tlsFrom } from './connection/tls-from.js';
export { acceptTls, requestTls } from './connection/tls-upgrade.js';
export type { TlsInfo } from './connection/tls-info.js';
export type {
  Pem,
  TlsCertificate,
  TlsClientOptions,
  TlsOptions,
  TlsServerOptions,
  TlsVersion,
} from './connection/tls-options.js';
export { networkOf } from './connection/network-of.js';
export type { ProxyHeaderOptions } from './connection/proxy-header-of.js';
export { proxyHeaderOf } from './connection/proxy-header-of.js';

export type { BalanceChange, BalanceOptions, Balancer } from './client/balance.js';
export { balance } from './client/balance.js';
export type { EjectOptions } from './client/ejections.js';
export type { Strategy } from './client/strategy.js';
export type { Target, TargetState, TargetStatus } from './client/target.js';

export type { Field, ValueOf } from './codec/fields.js';
export { array, bytes, cstring, f32, f64, i16, i32, i64, i8, u16, u32, u64, u8 } from './codec/fields.js';
export type { InvalidOptions, InvalidPolicy } from './codec/invalid.js';
export type { JsonLimits } from './codec/json.js';
export { json, jsonWithin } from './codec/json.js';
export type { ProxyEnd, ProxyHeader } from './codec/proxy-header.js';
export { proxyHeader } from './codec/proxy-header.js';
export type { ProxySsl, ProxyTlv, ProxyTlvs } from './codec/proxy-tlvs.js';
export { reasons } from './codec/reasons.js';
export type { CodecOrSchema, StandardSchema } from './codec/standard-schema.js';
export { codecOf } from './codec/standard-schema.js';
export type { Fields, Struct, StructOf, StructOptions } from './codec/struct.js';
export { struct } from './codec/struct.js';
export type { TextLimits } from './codec/text.js';
export { text, textWithin } from './codec/text.js';

export type { DeframerOptions, DeframerState, TooLongPolicy, TruncatedPolicy } from './framing/deframer.js';
export { Deframer, deframer } from './framing/deframer.js';
export type { DelimitedOptions, Delimiter } from './framing/delimited.js';
export { delimited } from './framing/delimited.js';
export { fixed } from './framing/fixed.js';
export type { ByteOrder, LengthPrefixedOptions, LengthPrefixedRule, Width } from './framing/length-prefixed.js';
export { lengthPrefixed, selfCounting } from './framing/length-prefixed.js';
export type { Ending, LineOptions } from './framing/line.js';
export { line } from './framing/line.js';
export type { NetstringOptions } from './framing/netstring.js';
export { netstring } from './framing/netstring.js';
export type { ProxyFrameOptions } from './framing/proxy-frame.js';
export { proxyFrame } from './framing/proxy-frame.js';
export { raw } from './framing/raw.js';
export type { Front, InvertibleRule, Rule, Verdict } from './framing/rule.js';
export { found, malformed, more, tooLong } from './framing/rule.js';
export type { VarintOptions } from './framing/varint.js';
export { varint } from './framing/varint.js';

export { connectionGate } from './auth/connection-gate.js';
export type { AuthGate, Dialogue, MaybeKnown, Named } from './auth/gate.js';
export type { HmacLoginOptions, KeyOf } from './auth/hmac.js';
export { hmacGate, hmacLogin } from './auth/hmac.js';
export { identityOf } from './auth/identity.js';
export type { LockoutOptions } from './auth/lockout.js';
export { sameSecret } from './auth/same-secret.js';
export type { ScramGateOptions, ScramLoginOptions, ScramVerifierOptions, VerifierOf } from './auth/scram.js';
export { scramGate, scramLogin, scramVerifier } from './auth/scram.js';
export type { TokenLoginOptions, TokenOptions, Tokens } from './auth/token.js';
export { tokenGate, tokenLogin } from './auth/token.js';

export type { RateKey, RateLimit, RateLimitOptions, RateLimits, RateStatistics } from './rate/rate-limit.js';
export { rateLimit } from './rate/rate-limit.js';

export type { Failure, Handled, Handler, Outcome } from './server/outcome.js';
export type { Belonging, Watch } from './server/watch.js';

export { fromAsyncIterable } from './source/from-async-iterable.js';
export { fromReadable } from './source/from-readable.js';
export type { PausableOptions } from './source/pausable.js';
export { pausable } from './source/pausable.js';
export { signals } from './source/signals.js';
export type { SlowPolicy } from './source/mailbox.js';
export type { StreamOptions, Subscribed, TopicLimits, TopicOptions, TopicStatistics } from './source/topic.js';
export { Topic, topic } from './source/topic.js';

export * from './errors.js';
