// Adds numbers for whoever asks. How it is asked, and how it answers, is in calculator-protocol.ts; here it gets a port.
import { listen } from 'sluice';
import { serve } from 'sluice/operators';
import { commandLine } from './arguments.js';
import { calculator } from './calculator-protocol.js';

const { host, port } = commandLine('npm run example -- calculator [--host ADDRESS] [--port N]', {
  host: '127.0.0.1',
  port: 7000,
});

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(serve(calculator))
  .subscribe();
