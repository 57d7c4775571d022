export type { Values } from './diagram.js';
export { type EverySplitOptions, everySplit, marbles } from './marbles.js';
export type { NetworkOptions } from './network.js';
export type { MarblesOptions, Story, Teller } from './story.js';
export { StoryFailed } from './story-failed.js';
