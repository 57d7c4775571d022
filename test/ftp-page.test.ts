// What docs/ftp.md says of the example is so. (Its programs are run by docs.test.ts.)
import { suite } from './kit/suite.js';
import { walksThrough } from './kit/walkthrough.js';

const test = suite('ftp: page');

walksThrough(test, 'ftp', 5);

test.run();
