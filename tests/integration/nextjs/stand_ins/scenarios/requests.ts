// The route as Next.js calls it.
import { GET } from '../app/api/storyboards/route'
import { progressOf } from '../lib/storyboards/server'

export function get(url: string) {
  return GET(new Request(url))
}

export async function asText(projectId: string) {
  return JSON.stringify(await progressOf(projectId))
}
