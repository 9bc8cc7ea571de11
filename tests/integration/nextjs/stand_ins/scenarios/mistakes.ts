// Statements that the page's types must refuse. The compiler complains of a line that it takes.
import { createClient } from '@supabase/supabase-js'
import type { Database } from '../lib/storyboards/types'

export function mistakes(supabase = createClient<Database>('http://127.0.0.1', 'key')) {
  const storyboards = supabase.from('storyboards')
  // @ts-expect-error: an insert needs the URL of the image
  storyboards.insert({ project_id: 'p' })
  // @ts-expect-error: there is no such status
  storyboards.update({ status: 'done' })
  // @ts-expect-error: there is no such column
  storyboards.update({ url: 'https://images.example/a.jpeg' })
  // @ts-expect-error: there is no such column
  storyboards.select('*').eq('project', 'p')
  // @ts-expect-error: the view takes no writes
  supabase.from('storyboard_progress').insert({ id: 'i' })
  // @ts-expect-error: there is no such table
  supabase.from('storyboard')
}
