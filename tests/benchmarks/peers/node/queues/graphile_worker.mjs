// Graphile Worker (https://worker.graphile.org/docs/performance).
//
// - localQueue of 500 and completeJobBatchDelay 0: what its page on performance sets for its own
//   figures. Jobs are fetched many at a time, and completed together.
// - maxPoolSize: its reference recommends two more than concurrentJobs.
// - The other settings are its defaults. LISTEN is among them.

import { Logger, makeWorkerUtils, run } from 'graphile-worker'

const TASK = 'copy'
const connectionString = process.env.DATABASE_URL
const logger = new Logger(() => (level, message) => {
  if (level === 'error') process.stderr.write(`${message}\n`)
})

export async function work(handle, concurrency) {
  await run({
    preset: {
      worker: {
        connectionString,
        logger,
        concurrentJobs: concurrency,
        maxPoolSize: concurrency + 2,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    taskList: { [TASK]: handle },
  })
}

export async function producer() {
  const utils = await makeWorkerUtils({ preset: { worker: { connectionString, logger } } })
  await utils.migrate()
  return rows => utils.addJobs(rows.map(payload => ({ identifier: TASK, payload })))
}
