import type { Scenario } from './scenarios.js';
import { type Session, ranked, titleOf } from './session.js';

const WIDTH = 480;
const LABEL = 215;
const BAR = 180;
const ROW = 16;
const HEAD = 30;
const COLUMNS = 2;
const MARGIN = 16;

/** A bar is cut off where it is longer than so many of ours. */
const LONGEST = 4;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${x}" y="${y}"${more}>${escaped(words)}</text>`;

/** One scenario: a bar a server, ours in colour. */
const panel = (session: Session, scenario: Scenario, left: number, top: number): string => {
  const { key, digits } = scenario.measure;
  const bars = ranked(session, scenario).flatMap(({ rival, figures }) =>
    figures === null || !Number.isFinite(figures[key]) ? [] : [{ rival, value: figures[key] }],
  );
  const ours = bars.find(({ rival }) => rival === 'sluice')?.value ?? Infinity;
  const most = Math.min(Math.max(...bars.map(({ value }) => value)), ours * LONGEST);
  const rows = bars.map(({ rival, value }, index) => {
    const y = top + HEAD + index * ROW;
    const length = Math.max(1, Math.round((Math.min(value, most) / most) * BAR));
    const x = left + LABEL;
    const colour = rival.startsWith('sluice') ? '#d6336c' : '#868e96';
    const shown = `${value > most ? '… ' : ''}${value.toFixed(digits)}`;
    return [
      text(x - 6, y + 11, titleOf(session, rival), ' text-anchor="end"'),
      `<rect x="${x}" y="${y + 2}" width="${length}" height="${ROW - 4}" fill="${colour}"/>`,
      text(x + length + 4, y + 11, shown),
    ].join('');
  });
  return [text(left, top + 16, scenario.title, ' font-weight="bold"'), ...rows].join('\n');
};

/** The echoes of a session as bars: server CPU per message, shorter is better. */
export const chart = (session: Session): string => {
  const panels = session.scenarios.filter(
    ({ name, role, measure }) =>
      role === 'echo' &&
      measure.key === 'cpuPerMessage' &&
      session.results.some(({ scenario, figures }) => scenario === name && figures !== null),
  );
  const height = HEAD + ROW * Math.max(0, ...panels.map((scenario) => ranked(session, scenario).length)) + MARGIN;
  const title = 'Server CPU per message in microseconds, shorter is better (bytes x connections x in flight)';
  const { processor, date } = session.machine;
  const bottom = 2 * MARGIN + HEAD + height * Math.ceil(panels.length / COLUMNS);
  const size = `width="${WIDTH * COLUMNS + 2 * MARGIN}" height="${bottom}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11" fill="#212529">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    text(MARGIN, MARGIN + 12, title, ' font-size="14"'),
    ...panels.map((scenario, index) =>
      panel(
        session,
        scenario,
        MARGIN + (index % COLUMNS) * WIDTH,
        MARGIN + HEAD + Math.floor(index / COLUMNS) * height,
      ),
    ),
    text(MARGIN, bottom - 8, `${processor}, ${date}`, ' fill="#868e96"'),
    '</svg>',
    '',
  ].join('\n');
};
