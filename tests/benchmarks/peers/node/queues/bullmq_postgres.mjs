// BullMQ on Postgres (https://docs.bullmq.io/guide/postgresql).
//
// - Ten connections, its default: with more it is no quicker.
// - removeOnComplete: its tips ask to let jobs that are done go.
// - synchronous_commit stays on, its default. Of the contestants only the worker turns it off, and
//   for a claim that is sent alone.
// - The other settings are its defaults. LISTEN is among them.

import { Queue, Worker, createPostgresBackend, runMigrations } from 'bullmq'
import pg from 'pg'

const QUEUE = 'copy'
const connectionString = process.env.DATABASE_URL

export async function work(handle, concurrency) {
  const options = {
    connection: { connectionString },
    concurrency,
    removeOnComplete: { count: 0 },
  }
  const worker = new Worker(QUEUE, job => handle(job.data), options, createPostgresBackend)
  worker.on('error', error => process.stderr.write(`${error}\n`))
  await worker.waitUntilReady()
}

export async function producer() {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await runMigrations(client)
  await client.end()
  const queue = new Queue(QUEUE, { connection: { connectionString } }, createPostgresBackend)
  await queue.waitUntilReady()
  return rows => queue.addBulk(rows.map(data => ({ name: 'copy', data })))
}
