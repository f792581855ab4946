import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage, IgnoreMode } from 'aws-cdk-lib';
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
    this.#tokenizers ??= this.#version('Tokenizers', "The base models' tokenizers", tokenizersCode());
    return this.#tokenizers;
  }

  /** Price books and packs of credits. */
  get priceTables(): LayerVersion {
    this.#priceTables ??= this.#version(
      'PriceTables',
      'Price books and packs of credits',
      Code.fromAsset('layers', only('price-tables')),
    );
    return this.#priceTables;
  }

  #version(id: string, description: string, code: Code): LayerVersion {
    return new LayerVersion(this, id, {
      description,
      code,
      compatibleRuntimes: [Runtime.NODEJS_24_X],
      compatibleArchitectures: [Architecture.ARM_64],
    });
  }
}

const only = (folder: string) => ({ ignoreMode: IgnoreMode.GIT, exclude: ['/*', `!/${folder}`] });

/** The libraries that run the tokenizers: where the files are is where the functions look for them. */
const TOKENIZER_LIBRARIES = [
  { name: '@huggingface/tokenizers', main: 'dist/tokenizers.cjs' },
  { name: '@huggingface/jinja', main: 'dist/index.cjs' },
];

function tokenizersCode(): Code {
  return Code.fromAsset('layers', {
    ...only('tokenizers'),
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('unused'), // the local way below always works; CDK asks for an image all the same
      local: {
        tryBundle: (output) => {
          cpSync('layers/tokenizers', join(output, 'tokenizers'), { recursive: true });
          for (const { name, main } of TOKENIZER_LIBRARIES) {
            for (const file of ['package.json', 'LICENSE', main]) {
              const path = join('node_modules', name, file);
              if (existsSync(path)) cpSync(path, join(output, 'tokenizers', path));
            }
          }
          return true;
        },
      },
    },
  });
}
