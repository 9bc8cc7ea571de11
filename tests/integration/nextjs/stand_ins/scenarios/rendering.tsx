// What the components draw, as HTML.
import { renderToStaticMarkup } from 'react-dom/server'
import Page from '../app/projects/[id]/page'
import { StoryboardPicture } from '../components/storyboard-picture'
import type { StoryboardProgress } from '../lib/storyboards/types'

export function picture(panel: StoryboardProgress) {
  return renderToStaticMarkup(<StoryboardPicture panel={panel} width={640} height={360} />)
}

export async function page(projectId: string) {
  return renderToStaticMarkup(await Page({ params: Promise.resolve({ id: projectId }) }))
}
