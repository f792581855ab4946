import { type Field, message, text, varint } from './protobuf.ts';

/** The name of a tensor in the graph. */
export type Value = string;

export type Attribute = number | string | readonly number[];
export type Dimension = number | string;

export const ELEMENT = { float32: 1, int64: 7 } as const;
export type Element = keyof typeof ELEMENT;

const IR_VERSION = 8;
const OPSET = 17;
const ATTRIBUTE_TYPE = { int: 2, string: 3, ints: 7 } as const;

export type OnnxModel = ReturnType<typeof makeOnnxModel>;

/**
 * Writes an ONNX model node by node, in the format's own protobuf. The field numbers are those of onnx.proto3.
 * Nodes must be added in the order of their dependencies, as ONNX asks.
 */
export function makeOnnxModel() {
  const nodes: Field[] = [];
  const initializers: Field[] = [];
  const inputs: Field[] = [];
  const outputs: Field[] = [];
  const constants = new Map<string, Value>();
  let names = 0;

  const constant = (
    values: Float32Array | BigInt64Array,
    shape: readonly number[],
    name: Value = `c${names++}`,
  ): Value => {
    const element: Element = values instanceof Float32Array ? 'float32' : 'int64';
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    initializers.push(
      message(5, [
        ...shape.map((size) => varint(1, size)),
        varint(2, ELEMENT[element]),
        text(8, name),
        { number: 9, wire: 'bytes', bytes },
      ]),
    );
    return name;
  };

  return {
    /** Adds an operator and answers its one output. */
    node: (
      operator: string,
      operands: readonly Value[],
      attributes: Readonly<Record<string, Attribute>> = {},
    ): Value => {
      const output = `t${names++}`;
      nodes.push(
        message(1, [
          ...operands.map((operand) => text(1, operand)),
          text(2, output),
          text(4, operator),
          ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        ]),
      );
      return output;
    },
    constant,
    /** A float that stands for itself; equal ones are shared. */
    scalar: (value: number): Value => {
      const known = constants.get(`f${value}`);
      if (known !== undefined) return known;
      const made = constant(Float32Array.of(value), []);
      constants.set(`f${value}`, made);
      return made;
    },
    /** A list of integers, as shapes and axes are given; equal ones are shared. */
    integers: (...values: readonly number[]): Value => {
      const key = `i${values.join()}`;
      const known = constants.get(key);
      if (known !== undefined) return known;
      const made = constant(BigInt64Array.from(values.map(BigInt)), [values.length]);
      constants.set(key, made);
      return made;
    },
    input: (name: Value, shape: readonly Dimension[], element: Element = 'float32'): Value => {
      inputs.push(valueInfo(11, name, element, shape));
      return name;
    },
    output: (name: Value, element: Element = 'float32'): Value => {
      outputs.push(valueInfo(12, name, element));
      return name;
    },
    encode: (): Uint8Array => {
      const graph = message(7, [...nodes, text(2, 'training'), ...initializers, ...inputs, ...outputs]);
      return message(0, [varint(1, IR_VERSION), graph, message(8, [varint(2, OPSET)])]).bytes;
    },
  };
}

function attribute(name: string, value: Attribute): Field {
  if (typeof value === 'string')
    return message(5, [text(1, name), text(4, value), varint(20, ATTRIBUTE_TYPE.string)]);
  if (typeof value === 'number')
    return message(5, [text(1, name), varint(3, value), varint(20, ATTRIBUTE_TYPE.int)]);
  return message(5, [
    text(1, name),
    ...value.map((item) => varint(8, item)),
    varint(20, ATTRIBUTE_TYPE.ints),
  ]);
}

function valueInfo(number: number, name: Value, element: Element, shape?: readonly Dimension[]): Field {
  const dimensions = shape?.map((size) =>
    message(1, [typeof size === 'number' ? varint(1, size) : text(2, size)]),
  );
  const tensor = message(1, [
    varint(1, ELEMENT[element]),
    ...(dimensions === undefined ? [] : [message(2, dimensions)]),
  ]);
  return message(number, [text(1, name), message(2, [tensor])]);
}
