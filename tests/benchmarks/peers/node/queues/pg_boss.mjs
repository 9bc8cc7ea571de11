// pg-boss (https://pgboss.io/api/workers).
//
// - useListenNotify and notify: workers are woken when a job is added. Without them a job waits
//   for up to two seconds.
// - batchSize and burstWhenBatchFull: while there is a backlog, the next batch is fetched at once.
//   A batch ends when its slowest job does. Four batches of four: no other split was clearly quicker.
// - localConcurrency: so many workers that as many jobs run at once as with the others.
// - max: a connection for each job at once, and two more.
// - The other settings are its defaults.

import { PgBoss } from 'pg-boss'

const QUEUE = 'copy'
const BATCH = 4

async function started(options) {
  const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, ...options })
  boss.on('error', error => process.stderr.write(`${error}\n`))
  await boss.start()
  await boss.createQueue(QUEUE, { notify: true })
  return boss
}

export async function work(handle, concurrency) {
  const boss = await started({ useListenNotify: true, max: concurrency + 2 })
  const options = {
    batchSize: BATCH,
    burstWhenBatchFull: true,
    localConcurrency: Math.ceil(concurrency / BATCH),
  }
  await boss.work(QUEUE, options, jobs => Promise.all(jobs.map(job => handle(job.data))))
}

export async function producer() {
  const boss = await started({})
  return rows => boss.insert(QUEUE, rows.map(data => ({ data })))
}
