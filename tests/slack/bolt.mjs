// Asks Slack's own framework for apps what it thinks of signatures: reads requests from standard input, as JSON, and prints
// for each whether it accepts, refuses or raises. Its argument is the package.json beside which the framework is installed.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2]);
const { AwsLambdaReceiver } = require('@slack/bolt');

const silent = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => 'error', setName() {} };
const app = { processEvent: (event) => event.ack() };

async function verdict({ secret, now, timestamp, signature, body, isBase64Encoded }) {
  const receiver = new AwsLambdaReceiver({ signingSecret: secret, logger: silent });
  receiver.init(app);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  if (timestamp !== null) headers['x-slack-request-timestamp'] = timestamp;
  if (signature !== null) headers['x-slack-signature'] = signature;
  Date.now = () => now * 1000;
  try {
    const { statusCode } = await receiver.toHandler()({ rawPath: '/slack', headers, body, isBase64Encoded }, {});
    return { 200: 'accept', 401: 'refuse' }[statusCode] ?? `answers ${statusCode}`;
  } catch {
    return 'raise';
  }
}

const verdicts = [];
for (const request of JSON.parse(readFileSync(0, 'utf8'))) verdicts.push(await verdict(request));
console.log(JSON.stringify(verdicts));
