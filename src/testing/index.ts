export type { Sign, Values } from './diagram.js';
export type { EverySplitOptions, MarblesOptions, Story } from './marbles.js';
export { StoryFailed, everySplit, marbles } from './marbles.js';
export type { NetworkOptions } from './network.js';
