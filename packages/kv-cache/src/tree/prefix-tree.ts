/** A place in the tree: the block's tokens behind all those on the way to it. */
export interface PrefixNode {
  readonly tokens: readonly number[];
  readonly parent: PrefixNode | undefined;
  /** Blocks of this content by cache level; several where requests had different salts. */
  readonly blocks: [device: number, host: number];
  /** Most places have one that follows, which needs no table. */
  only: PrefixNode | undefined;
  /** All that follow, by the hash of their tokens, once there were two. */
  many: Map<number, PrefixNode[]> | undefined;
}

/** Cached sequences of tokens by their content, block by block. */
export class PrefixTree {
  readonly root: PrefixNode = createNode([], undefined);
  readonly #tokensPerBlock: number;

  constructor(tokensPerBlock: number) {
    this.#tokensPerBlock = tokensPerBlock;
  }

  /** The place behind `parent` of these tokens; made where there is none. */
  place(parent: PrefixNode, tokens: readonly number[]): PrefixNode {
    const found = child(parent, tokens, 0, tokens.length);
    if (found !== undefined) return found;
    const node = createNode(tokens, parent);
    if (parent.only === undefined && parent.many === undefined) {
      parent.only = node;
      return node;
    }
    if (parent.many === undefined) {
      const { only } = parent;
      parent.many = new Map([[hashOf(only!.tokens, 0, only!.tokens.length), [only!]]]);
      parent.only = undefined;
    }
    const hash = hashOf(tokens, 0, tokens.length);
    const bucket = parent.many.get(hash);
    if (bucket === undefined) parent.many.set(hash, [node]);
    else bucket.push(node);
    return node;
  }

  /** Forgets a place that holds no block and leads to none, and those before it that only led to it. */
  prune(node: PrefixNode): void {
    for (let at = node; at.parent !== undefined && isEmpty(at); at = at.parent) detach(at.parent, at);
  }

  /**
   * The places of a prompt's blocks, from its beginning on, as far as there are blocks.
   * @param length how many of the tokens count
   * @param visit is told each place
   */
  walk(tokens: ArrayLike<number>, length: number, visit: (node: PrefixNode) => void): void {
    let node = this.root;
    for (let at = 0; at < length; at += this.#tokensPerBlock) {
      const next = child(node, tokens, at, Math.min(at + this.#tokensPerBlock, length));
      if (next === undefined || next.blocks[0] + next.blocks[1] === 0) return;
      visit(next);
      node = next;
    }
  }
}

function createNode(tokens: readonly number[], parent: PrefixNode | undefined): PrefixNode {
  return { tokens, parent, blocks: [0, 0], only: undefined, many: undefined };
}

function child(
  { only, many }: PrefixNode,
  tokens: ArrayLike<number>,
  start: number,
  end: number,
): PrefixNode | undefined {
  if (many === undefined)
    return only !== undefined && equals(only.tokens, tokens, start, end) ? only : undefined;
  const bucket = many.get(hashOf(tokens, start, end)) ?? [];
  for (const node of bucket) if (equals(node.tokens, tokens, start, end)) return node;
  return undefined;
}

function equals(block: readonly number[], tokens: ArrayLike<number>, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  for (let index = 0; index < block.length; index++) {
    if (block[index] !== tokens[start + index]) return false;
  }
  return true;
}

/** FNV-1a over whole token ids, 32 bits, in two lanes, which a processor computes at once. Equal tokens are compared too. */
function hashOf(tokens: ArrayLike<number>, start: number, end: number): number {
  let [even, odd] = [0x811c9dc5, end - start];
  let index = start;
  for (; index + 1 < end; index += 2) {
    even = Math.imul(even ^ tokens[index]!, prime);
    odd = Math.imul(odd ^ tokens[index + 1]!, prime);
  }
  if (index < end) even = Math.imul(even ^ tokens[index]!, prime);
  return Math.imul(even, prime) ^ odd;
}

const prime = 0x01000193;

function isEmpty({ blocks: [device, host], only, many }: PrefixNode): boolean {
  return device + host === 0 && only === undefined && (many === undefined || many.size === 0);
}

function detach(parent: PrefixNode, node: PrefixNode): void {
  if (parent.many === undefined) {
    parent.only = undefined;
    return;
  }
  const hash = hashOf(node.tokens, 0, node.tokens.length);
  const bucket = parent.many.get(hash)!.filter((other) => other !== node);
  if (bucket.length > 0) parent.many.set(hash, bucket);
  else parent.many.delete(hash);
}
