import { fileURLToPath } from 'node:url'
import { Repository } from 'aws-cdk-lib/aws-ecr'
import { Platform } from 'aws-cdk-lib/aws-ecr-assets'
import { ContainerImage } from 'aws-cdk-lib/aws-ecs'
import type { Construct } from 'constructs'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** The program's image: one that exists, named by its digest, or a target of our Dockerfile. */
export type ImageProps = { readonly uri: string } | { readonly target: 'cpu' | 'cuda' }

/** Registry of an account, repository and digest of an image there. */
const privateImage = /^(\d+)\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^@]+)@(sha256:.+)$/

/** Resolves {@link ImageProps}; the execution role may then pull from a private registry. */
export function containerImage(scope: Construct, image: ImageProps): ContainerImage {
  if ('target' in image) {
    return ContainerImage.fromAsset(checkout, {
      target: image.target,
      platform: Platform.LINUX_AMD64,
    })
  }
  const [, account, region, name, digest] = privateImage.exec(image.uri) ?? []
  if (account === undefined || name === undefined) return ContainerImage.fromRegistry(image.uri)
  const repository = Repository.fromRepositoryAttributes(scope, 'images', {
    repositoryArn: `arn:aws:ecr:${region}:${account}:repository/${name}`,
    repositoryName: name,
  })
  return ContainerImage.fromEcrRepository(repository, digest)
}
