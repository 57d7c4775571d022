// Speaks C structs: what a C program sends with send(fd, &student, sizeof student, 0), and what it reads into another.
//
//   struct student { char name[128]; uint32_t rollno; char address[256]; };    comes in, little-endian
//   struct receipt { uint32_t rollno; uint32_t seen; char text[64]; };         goes out
import { flow } from 'fp-ts/lib/function.js';
import { map } from 'rxjs';
import { cstring, listen, struct, u32 } from 'sluice';
import { decodeOr, encodeWith, frameFixed, serve } from 'sluice/operators';
import { commandLine } from './arguments.js';

const { host, port } = commandLine('npm run example -- students [--host ADDRESS] [--port N]', {
  host: '127.0.0.1',
  port: 7000,
});

const Student = struct({ name: cstring(128), rollno: u32, address: cstring(256) }, { order: 'le' });
const Receipt = struct({ rollno: u32, seen: u32, text: cstring(64) }, { order: 'le' });

let seen = 0;

const students = flow(
  frameFixed(Student.size),
  decodeOr(Student, 'end'),
  map(({ name, rollno, address }) => {
    console.log(`student ${rollno}: ${name}, ${address}`);
    return { rollno, seen: ++seen, text: `welcome, ${name.slice(0, 40)}` };
  }),
  encodeWith(Receipt),
);

listen({ host, port, onListening: ({ name }) => console.log(`listening on ${name}`) })
  .pipe(serve(students))
  .subscribe();
