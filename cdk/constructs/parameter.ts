import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import type { Construct } from 'constructs'

/** Publishes a name of the deployment under `/contrastream/<name>/<stage>/<what>`. */
export function publishName(
  scope: Construct,
  folder: string,
  what: string,
  stringValue: string,
): StringParameter {
  return new StringParameter(scope, `name-${what}`, {
    parameterName: `${folder}/${what}`,
    stringValue,
  })
}
