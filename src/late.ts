import type * as NodeCrypto from 'node:crypto';
import type * as NodeTls from 'node:tls';

// Parts of Node that a program may never need, loaded when it does: to load them costs time at the start, and memory that
// the garbage collector looks through for as long as the program runs. Asked for again, they are there at once.

export const nodeTls = (): typeof NodeTls => process.getBuiltinModule('node:tls');
export const nodeCrypto = (): typeof NodeCrypto => process.getBuiltinModule('node:crypto');
