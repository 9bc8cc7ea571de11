// What a project has for the page of producers: the real client, before a stand-in for its server.
import { createClient } from '@supabase/supabase-js'
import { Socket } from '../../scenarios/socket'

export const supabase = createClient('http://127.0.0.1:9', 'anon', {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: Socket as never },
})
