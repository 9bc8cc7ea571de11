// A stand-in for `next/image`, as far as the page uses it: the real one asks a custom loader for
// the widths of a density of 1 and 2. https://nextjs.org/docs/app/api-reference/components/image
import type { ReactElement } from 'react'

export type ImageLoaderProps = { src: string; width: number; quality?: number }

type ImageProps = {
  src: string
  alt: string
  width: number
  height: number
  loader?: (properties: ImageLoaderProps) => string
  unoptimized?: boolean
}

export default function Image(given: ImageProps): ReactElement {
  const { src, alt, width, height, loader, unoptimized } = given
  if (unoptimized || !loader) {
    return <img src={src} alt={alt} width={width} height={height} />
  }
  const once = loader({ src, width })
  const twice = loader({ src, width: 2 * width })
  return <img src={twice} srcSet={`${once} 1x, ${twice} 2x`} alt={alt} width={width} height={height} />
}
