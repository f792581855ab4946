import { IgnoreMode } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

/**
 * The files that many functions read and that are not code to tree-shake. A layer is unpacked under `/opt`, so
 * `layers/tokenizers` is `/opt/tokenizers` there. Each stack has its own versions: a version that another stack
 * imports could never be replaced.
 */
export class SharedLayers extends Construct {
  #tokenizers: LayerVersion | undefined;
  #priceTables: LayerVersion | undefined;

  /** Tokenizers of the base models, for estimates and statistics. */
  get tokenizers(): LayerVersion {
    this.#tokenizers ??= this.#layer('Tokenizers', 'tokenizers', "The base models' tokenizers");
    return this.#tokenizers;
  }

  /** Price books and packs of credits. */
  get priceTables(): LayerVersion {
    this.#priceTables ??= this.#layer('PriceTables', 'price-tables', 'Price books and packs of credits');
    return this.#priceTables;
  }

  #layer(id: string, folder: string, description: string): LayerVersion {
    return new LayerVersion(this, id, {
      description,
      code: Code.fromAsset('layers', { ignoreMode: IgnoreMode.GIT, exclude: ['/*', `!/${folder}`] }),
      compatibleRuntimes: [Runtime.NODEJS_24_X],
      compatibleArchitectures: [Architecture.ARM_64],
    });
  }
}
