// npm run test:package: what is published is what works. Packs the package, has publint and attw look at it, and makes
// a project of somebody else that compiles under NodeNext and runs, by import and by require.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'));
const run = (command: string, args: readonly string[], cwd = folder): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const echo = (imports: string): string => `${imports}
const server = listen({
  port: 0,
  onListening: ({ port }) => {
    const client = connect(port as number, '127.0.0.1', () => client.end('\\x00\\x02hi'));
    client.on('data', (bytes: Uint8Array) => {
      if (Buffer.from(bytes).toString('latin1') !== '\\x00\\x02hi') process.exitCode = 1;
      else console.log('echoed');
    });
  },
})
  .pipe(serve((bytes) => bytes.pipe(frameLengthPrefixed(2), prefixLength(2))))
  .subscribe(() => server.unsubscribe());
`;

const typesOfNode = (text: string): string => text.replaceAll(' as number', '').replace(': Uint8Array', '');

try {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], root)) as [
    { filename: string },
  ];
  const tarball = join(folder, filename);
  console.log(run('npx', ['--yes', 'publint@0.3.25', tarball, '--strict']).trim());
  console.log(run('npx', ['--yes', '@arethetypeswrong/cli@0.18.5', tarball, '--profile', 'esm-only']).trim());

  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'somebody-else', private: true, dependencies: { sluice: `file:${tarball}` } }),
  );
  run('npm', ['install', '--no-audit', '--no-fund', '--silent']);

  const names = [
    ['sluice', '{ listen }'],
    ['sluice/operators', '{ frameLengthPrefixed, prefixLength, serve }'],
    ['sluice/operators/ix', '* as ix'],
    ['sluice/server', '{ createServer }'],
    ['sluice/testing', '{ marbles }'],
    ['sluice/websocket', '{ listenWebSocket }'],
  ] as const;
  const esm = echo(
    [
      `import { connect } from 'node:net';`,
      ...names.map(([from, what]) => `import ${what} from '${from}';`),
      'void [ix, createServer, marbles, listenWebSocket];',
    ].join('\n'),
  );
  const cjs = echo(
    [
      `const { connect } = require('node:net');`,
      ...names.map(([from, what]) => `const ${what.replace('* as ', '')} = require('${from}');`),
      'void [ix, createServer, marbles, listenWebSocket];',
    ].join('\n'),
  );
  writeFileSync(join(folder, 'consumer.mts'), esm);
  writeFileSync(join(folder, 'consumer.mjs'), typesOfNode(esm));
  writeFileSync(join(folder, 'consumer.cjs'), typesOfNode(cjs));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        lib: ['es2023', 'dom'], // ix speaks of the streams of the DOM
        target: 'es2022',
      },
      files: ['consumer.mts'],
    }),
  );
  run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]);
  console.log('compiles under NodeNext, strict, without skipLibCheck');
  const lib = join(folder, 'node_modules/sluice/dist/lib');
  for (const file of readdirSync(lib, { encoding: 'utf8', recursive: true }).filter((name) => name.endsWith('.js'))) {
    // One such character, also in a comment, and V8 keeps the whole file in memory at two bytes a character.
    const wide = /[\u0100-\u{10ffff}]/u.exec(readFileSync(join(lib, file), 'utf8'));
    if (wide !== null) throw new Error(`${file} has a character that is not Latin-1: ${wide[0]}`);
  }
  console.log('its files are kept in memory at a byte a character');
  const sluice = join(folder, 'node_modules/.bin/sluice');
  const shown = execFileSync(sluice, [], {
    input: 'config tcp-server a\nshow running-config\nquit\n',
    encoding: 'utf8',
  });
  if (!shown.startsWith('config tcp-server a 127.0.0.1 40000\n')) throw new Error(`sluice did not run: ${shown}`);
  console.log('sluice runs');
  for (const file of ['consumer.mjs', 'consumer.cjs']) {
    if (run(process.execPath, [file]).trim() !== 'echoed') throw new Error(`${file} did not run as it should`);
    console.log(`${file} runs`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
