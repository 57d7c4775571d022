// What it costs to load Node's own module, and to start at all.
export * from 'node:net';
