// What has gone wrong, as a reply. Nothing of the system's own words is told: they name paths outside the root.
import { SluiceError } from 'sluice';
import { type Reply, reply } from './control.js';

const REPLIES: Readonly<Record<string, Reply>> = {
  OUTSIDE: reply(550, 'No such file or folder'),
  ENOENT: reply(550, 'No such file or folder'),
  ENOTDIR: reply(550, 'No such file or folder'),
  ELOOP: reply(550, 'No such file or folder'),
  ENXIO: reply(550, 'No such file or folder'),
  ENAMETOOLONG: reply(553, 'The name is too long'),
  EACCES: reply(550, 'Permission denied'),
  EPERM: reply(550, 'Permission denied'),
  EROFS: reply(550, 'Permission denied'),
  EEXIST: reply(550, 'It is there already'),
  ENOTEMPTY: reply(550, 'The folder is not empty'),
  EISDIR: reply(550, 'That is a folder'),
  EBUSY: reply(450, 'It is in use'),
  EINVAL: reply(554, 'That cannot be done with this file'),
  ENOSPC: reply(452, 'There is no room'),
  EDQUOT: reply(452, 'There is no room'),
  UNREACHED: reply(425, 'The data connection did not come'),
};

const CUT_SHORT = reply(426, 'The transfer was cut short');

export const failure = (error: unknown): Reply => {
  if (error instanceof SluiceError) return CUT_SHORT;
  const code = String((error as Partial<NodeJS.ErrnoException> | undefined)?.code);
  return (Object.hasOwn(REPLIES, code) ? REPLIES[code] : undefined) ?? reply(451, 'That has failed');
};
