// The producer of a peer's jobs:
//
//     node producer.mjs QUEUE
//
// It makes the tables of the queue and writes «ready». For each line of its input it adds a job
// for each pending row, all in one call, and writes the moment at which the call had returned, in
// nanoseconds of the monotonic clock. A line may come when the jobs of the one before are done.

import { createInterface } from 'node:readline'
import pg from 'pg'

const queue = await import(`./queues/${process.argv[2]}.mjs`)
const rows = new pg.Client({ connectionString: process.env.DATABASE_URL })
await rows.connect()
const add = await queue.producer()
process.stdout.write('ready\n')

for await (const _ of createInterface({ input: process.stdin })) {
  const pending = await rows.query(
    "SELECT id, source_url FROM storyboards WHERE status = 'pending'",
  )
  await add(pending.rows)
  process.stdout.write(`${process.hrtime.bigint()}\n`)
}
process.exit()
