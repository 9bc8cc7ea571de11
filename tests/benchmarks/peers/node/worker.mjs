// The worker of a peer:
//
//     node worker.mjs QUEUE CONCURRENCY
//
// QUEUE is a module of the folder `queues`. It takes jobs, copies their images and writes their
// outcomes, so many at once. Writes «ready» when it waits for jobs.

import { Copier } from './copier.mjs'
import { Outcomes } from './outcomes.mjs'

const [name, concurrency] = [process.argv[2], Number(process.argv[3])]
const queue = await import(`./queues/${name}.mjs`)
const copier = new Copier(concurrency)
const outcomes = new Outcomes(concurrency)

async function handle({ id, source_url: sourceUrl }) {
  await outcomes.write(id, await copier.copy(id, sourceUrl))
}

await queue.work(handle, concurrency)
process.stdout.write('ready\n')
