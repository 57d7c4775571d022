/** Thrown for a story that did not come out: all that is wrong with it, one below the other. */
export class StoryFailed extends Error {
  override readonly name = 'StoryFailed';
}
