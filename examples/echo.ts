// What comes goes back: the whole idea in three lines. Try it with nc 127.0.0.1 7000.
import { listen } from 'sluice';
import { serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port } = commandLine('npm run example -- echo [--host ADDRESS] [--port N]', {
  host: '127.0.0.1',
  port: 7000,
});

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(serve((bytes) => bytes))
  .subscribe();
