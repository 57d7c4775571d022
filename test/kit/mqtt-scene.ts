// Stories of the MQTT broker: rows of packets.
import { type Broker, type BrokerOptions, createBroker } from '../../examples/mqtt/broker.js';
import type { Qos } from '../../examples/mqtt/packets.js';
import type { Story, Values } from '../../src/testing/index.js';
import { anyPacket, connack, connect, suback, subscribe } from './mqtt.js';

/** What a story of the broker is told with: rows of packets. */
export interface Scene extends Story {
  readonly broker: Broker;
  /** What a client hears, packet by packet. */
  readonly hears: (name: string, row: string, values?: Values) => void;
  /** How connections ended, whenever that was: `x` is finished. */
  readonly ended: (...endings: readonly (readonly [name: string, how: string])[]) => void;
}

export const scene =
  (tell: (scene: Scene) => void | Promise<void>, options: BrokerOptions = {}) =>
  (story: Story): void | Promise<void> => {
    const broker = createBroker(options);
    story.serve(broker.protocol);
    return tell({
      ...story,
      broker,
      hears: (name, row, values = {}) => story.expectReceived(name, row, values, anyPacket),
      ended: (...endings) => {
        for (const [name, how] of endings) story.expectEnding(name, how);
      },
    });
  };

/** `ann` comes; it is let in. */
export const c = connect('ann');
export const k = connack();
/** The session of `ann` that lasts. */
export const lasting = connect('ann', { clean: false });

/** Somebody who hears everything, and is there from the first millisecond to the tenth. */
export const eve = ({ client, hears, ended }: Scene, row: string, values: Values = {}, qos: Qos = 2): void => {
  client('eve', '(cs)---------|', { c: connect('eve'), s: subscribe(1, ['#', qos]) });
  hears('eve', `(ks)${row}|`, { k, s: suback(1, qos), ...values });
  ended(['eve', 'finished']);
};
