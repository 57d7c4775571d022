import { type MonoTypeOperatorFunction, map } from 'rxjs';
import { checkObject } from '../src/check.js';
import { type ProxyHeader, proxyHeader } from '../src/codec/proxy-header.js';
import { type Connection, WireConnection } from '../src/connection/connection.js';

/**
 * Says on each connection whose it is, before anything else is written to it: the PROXY protocol, version 1 or 2.
 *
 *     connections  --a-----b---
 *                  sendProxyHeader(proxyHeaderOf(client))
 *     connections  --a-----b---    the header is the first that their peers read
 *
 * Stands right behind `dial`. What is passed on for somebody else is told by `proxyHeaderOf`; a connection of the
 * program's own, by `{ version: 2, command: 'local' }`. A header that its version cannot say is a `RangeError` at the
 * call.
 *
 * "The PROXY protocol, versions 1 & 2", haproxy.org.
 */
export const sendProxyHeader = (header: ProxyHeader): MonoTypeOperatorFunction<Connection> => {
  const bytes = proxyHeader.encode(checkObject('header', header));
  return map((connection) => {
    if (!(connection instanceof WireConnection)) {
      throw new TypeError('sendProxyHeader stands right behind dial: it takes connections as they were made');
    }
    connection.writeAhead(bytes);
    return connection;
  });
};
