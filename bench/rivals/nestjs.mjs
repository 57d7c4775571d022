/* oxlint-disable -- untyped: what it is made of is installed apart, see package.json here */
// NestJS, TCP transport: a controller with one message pattern. Its messages are JSON of its own.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport } from '@nestjs/microservices';

class Echo {
  echo(data) {
    return data;
  }
}
MessagePattern('echo')(Echo.prototype, 'echo', Object.getOwnPropertyDescriptor(Echo.prototype, 'echo'));
Controller()(Echo);

class Main {}
Module({ controllers: [Echo] })(Main);

const options = { host: '127.0.0.1', port: Number(process.argv[2]) };
const app = await NestFactory.createMicroservice(Main, { transport: Transport.TCP, options, logger: false });
await app.listen();
console.log('listening');
