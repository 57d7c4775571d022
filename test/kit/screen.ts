const [ESCAPE, BELL] = ['\u001b', '\u0007'];

/** A command to the terminal, a sign that moves the cursor, or what is to be seen. */
const SIGN = new RegExp(`${ESCAPE}\\[(\\??)([\\d;]*)([A-Za-z])|[\r\n\b${BELL}]|[^${ESCAPE}\r\n\b${BELL}]+`, 'g');

/** What a terminal without end shows after all this was written to it: the lines, and what the other screen shows. */
export class Screen {
  #lines: string[] = [''];
  #row = 0;
  #column = 0;
  #main: readonly [lines: string[], row: number, column: number] | null = null;
  /** Whether the cursor is shown. */
  cursor = true;

  constructor(output: string) {
    for (const [text, mode, numbers, command] of output.matchAll(SIGN)) {
      if (command === undefined) this.#put(text);
      else if (mode === '?') this.#mode(`${numbers}${command}`);
      else this.#obey(command, (numbers as string).split(';').map(Number));
    }
  }

  /** Its lines, without what is blank at their ends. */
  get lines(): readonly string[] {
    return this.#lines.map((line) => line.trimEnd());
  }

  get text(): string {
    return this.lines.join('\n').trimEnd();
  }

  /** Whether a program has the other screen. */
  get alternate(): boolean {
    return this.#main !== null;
  }

  #put(text: string): void {
    if (text === '\r') this.#column = 0;
    else if (text === '\n') this.#go(this.#row + 1, this.#column);
    else if (text === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (text !== BELL) {
      const line = (this.#lines[this.#row] as string).padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + text + line.slice(this.#column + text.length);
      this.#column += text.length;
    }
  }

  #obey(command: string, [first = 0, second = 0]: readonly number[]): void {
    const by = Math.max(1, first);
    if (command === 'A') this.#go(this.#row - by, this.#column);
    if (command === 'B') this.#go(this.#row + by, this.#column);
    if (command === 'C') this.#column += by;
    if (command === 'D') this.#column = Math.max(0, this.#column - by);
    if (command === 'G') this.#column = by - 1;
    if (command === 'H') this.#go(by - 1, Math.max(1, second) - 1);
    if (command === 'J' || command === 'K') {
      this.#lines[this.#row] = (this.#lines[this.#row] as string).slice(0, this.#column);
      if (command === 'J') this.#lines.length = this.#row + 1;
    }
  }

  #mode(mode: string): void {
    if (mode === '25h' || mode === '25l') this.cursor = mode === '25h';
    if (mode === '1049h') {
      this.#main = [this.#lines, this.#row, this.#column];
      this.#lines = [''];
      this.#go(0, 0);
    }
    if (mode === '1049l' && this.#main !== null) {
      [this.#lines, this.#row, this.#column] = this.#main;
      this.#main = null;
    }
  }

  #go(row: number, column: number): void {
    this.#row = Math.max(0, row);
    this.#column = column;
    while (this.#lines.length <= this.#row) this.#lines.push('');
  }
}
