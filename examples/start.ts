// npm start: the chat. npm start -- --shell: the shell, as npx sluice starts it where the package is installed.
import { readFile } from 'node:fs/promises';

const at = process.argv.indexOf('--shell');

if (at < 0) await import('./chat.js');
else {
  process.argv.splice(at, 1);
  const manifest = import.meta.resolve('sluice/package.json');
  const { bin } = JSON.parse(await readFile(new URL(manifest), 'utf8')) as {
    readonly bin: { readonly sluice: string };
  };
  await import(new URL(bin.sluice, manifest).href);
}
