export type { Values } from './diagram.js';
export { type EverySplitOptions, everySplit, marbles } from './marbles.js';
export type { NetworkOptions } from './network.js';
export type { MarblesOptions, Story, Teller } from './story.js';
export { StoryFailed } from './story-failed.js';
export { ending } from './ending.js';
export type { Loopback, LoopbackOptions, Serving } from './loopback.js';
export { loopback } from './loopback.js';
export type {
  AddedFault,
  Bandwidth,
  BlackHole,
  ByteLimit,
  Down,
  Fault,
  Faults,
  Latency,
  Reset,
  Slicer,
  SlowClose,
} from './faults/fault.js';
export type { FaultsOptions, FaultyNetwork } from './faults.js';
export { faults } from './faults.js';
export type { Over } from './ear.js';
export type { PlainClient, PlainClientOptions, ServerPlace } from './plain-client.js';
export { plainClient } from './plain-client.js';
export { assertNoLeaks } from './leaks.js';
export { within } from './within.js';
export { type RecordOptions, record } from './record.js';
export { type Happening, type Recording, parseRecording, readRecording } from './recording.js';
export { type ReplayOptions, type ReplayStory, replay } from './replay.js';
export { type Bytes, deliveries } from './deliveries.js';
export {
  type VerifyDecoderOptions,
  type VerifyOptions,
  type VerifyRuleOptions,
  verifyDecoder,
  verifyRule,
} from './verify.js';
export type { Decoder, MakeDecoder } from './verifier/decoder.js';
export type { ErrorMatch } from './verifier/error-match.js';
export type { ChunkDecoder } from './verifier/run-function.js';
export type { ExpectedFrame, VerifyCase } from './verifier/stream.js';
export type { VerifyCheck } from './verifier/trial.js';
export type { VerifyReport } from './verifier/verification.js';
export { VerifyFailed } from './verifier/verify-failed.js';
export { recite } from './recite.js';
export { type SimulateOptions, simulate } from './simulate.js';
export { SimulationFailed } from './simulation-failed.js';
export type { Talk } from './simulation/talk.js';
export type { Simulated, SimulatedServerOptions } from './simulation/world.js';
