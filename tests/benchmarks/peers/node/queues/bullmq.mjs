// BullMQ on Redis (https://docs.bullmq.io/guide/going-to-production). Redis itself is set up as
// that page recommends, with the append-only file and no eviction.
//
// - concurrency: one worker with so many jobs at once.
// - removeOnComplete: jobs that are done do not stay in Redis.
// - The other settings are its defaults. A worker waits for jobs in a blocking command.

import { Queue, Worker } from 'bullmq'
import pg from 'pg'

// Measurements share a Redis, and have a database each.
const QUEUE = new pg.Client({ connectionString: process.env.DATABASE_URL }).database
const connection = { url: process.env.REDIS_URL, maxRetriesPerRequest: null }

export async function work(handle, concurrency) {
  const options = { connection, concurrency, removeOnComplete: { count: 0 } }
  const worker = new Worker(QUEUE, job => handle(job.data), options)
  worker.on('error', error => process.stderr.write(`${error}\n`))
  await worker.waitUntilReady()
}

export async function producer() {
  const queue = new Queue(QUEUE, { connection })
  await queue.waitUntilReady()
  return rows => queue.addBulk(rows.map(data => ({ name: 'copy', data })))
}
