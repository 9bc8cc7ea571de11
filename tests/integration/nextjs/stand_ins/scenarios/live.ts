// The page's live rows with the real realtime client, before a stand-in for Supabase's server.
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { StoryboardProgress } from '../lib/storyboards/types'
import { watchStoryboards } from '../lib/storyboards/watch'
import { Socket, turn, until } from './socket'

/** Milliseconds that have passed for the page's timer; they pass when a scenario says so. */
const clock = { now: 1_000_000, polls: new Set<() => void>() }
const stored = { rows: [] as StoryboardProgress[], status: 200, requests: [] as string[] }
/** A message that overtakes the route's next answer. */
let overtaking: StoryboardProgress | undefined
const shown: StoryboardProgress[][] = []
const realNow = Date.now
let client: SupabaseClient | undefined
let stop: (() => void) | undefined

function standIns() {
  Date.now = () => clock.now
  globalThis.setInterval = ((poll: () => void) => {
    clock.polls.add(poll)
    return poll
  }) as unknown as typeof setInterval
  globalThis.clearInterval = ((poll: () => void) => clock.polls.delete(poll)) as never
  globalThis.fetch = (async (url: string) => {
    stored.requests.push(url)
    if (overtaking) say(overtaking)
    overtaking = undefined
    return Response.json(stored.rows, { status: stored.status })
  }) as typeof fetch
}

const real = { setInterval, clearInterval, fetch }

/** Opens the page of the project `p q`. */
export async function open(first: StoryboardProgress[], refused: boolean) {
  Socket.refuses = refused
  Socket.current = undefined
  Object.assign(stored, { rows: first, status: 200, requests: [] })
  shown.length = 0
  clock.polls.clear()
  client = createClient('http://127.0.0.1:9', 'anon', {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: Socket as never },
  })
  standIns()
  stop = watchStoryboards(client, 'p q', first, (panels) => shown.push(panels))
  await until(() => (Socket.current?.joins.length ?? 0) > 0)
  if (!refused) await until(() => shown.length > 0)
  await turn()
  const [, , topic, , payload] = Socket.current!.joins[0]!
  return { topic, private: payload.config.private, requests: stored.requests }
}

/** Closes the page and opens it again before the server has answered that it has left. */
export async function reopen(first: StoryboardProgress[]) {
  Socket.isFarAway = true
  stop?.()
  const joins = Socket.current!.joins.length
  stop = watchStoryboards(client!, 'p q', first, (panels) => shown.push(panels))
  stop()
  stop = watchStoryboards(client!, 'p q', first, (panels) => shown.push(panels))
  await until(() => Socket.current!.joins.length > joins)
  await until(() => Socket.unanswered === 0)
  Socket.isFarAway = false
  await turn()
  return Socket.current!.joins.length - joins
}

const say = (row: StoryboardProgress) => Socket.current!.broadcast('storyboards:p q', row)

export async function send(row: StoryboardProgress) {
  say(row)
  await turn()
  return shown.at(-1)
}

/** What the route answers from now on. */
export function store(rows: StoryboardProgress[], status: number) {
  Object.assign(stored, { rows, status, requests: [] })
}

/** A message that comes after the route is asked next and before it answers. */
export function overtake(row: StoryboardProgress) {
  overtaking = row
}

/** Lets so much time pass, and the page's timer fire once. */
export async function pass(milliseconds: number) {
  clock.now += milliseconds
  clock.polls.forEach((poll) => poll())
  await turn()
  await turn()
  return { shown: shown.at(-1), requests: stored.requests.length }
}

export async function close() {
  stop?.()
  const left = clock.polls.size
  await turn()
  Date.now = realNow
  Object.assign(globalThis, real)
  return left
}
