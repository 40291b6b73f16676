// MD5 (RFC 1321), for the answer to #challenge and for nothing else: browsers have no MD5 of their
// own, and none of their digests is there at all on a page that came over plain HTTP.

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

// The RFC's table T: the first 32 bits of the fraction of |sin(i)|.
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);

export function md5Hex(text) {
  const blocks = padded(new TextEncoder().encode(text));
  const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (let block = 0; block < blocks.length; block += 16) {
    mix(state, blocks.subarray(block, block + 16));
  }
  return state.map(littleEndianHex).join('');
}

// The message as little-endian words: a 1 bit, zeros up to 56 modulo 64 bytes, the length in bits.
function padded(bytes) {
  const blockCount = Math.floor((bytes.length + 8) / 64) + 1;
  const words = new Uint32Array(blockCount * 16);
  bytes.forEach((byte, i) => {
    words[i >> 2] |= byte << ((i % 4) * 8);
  });
  words[bytes.length >> 2] |= 0x80 << ((bytes.length % 4) * 8);
  words[words.length - 2] = bytes.length * 8;
  words[words.length - 1] = Math.floor(bytes.length / 2 ** 29);
  return words;
}

function mix(state, words) {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i += 1) {
    const round = i >> 4;
    const [f, word] = step(round, i, b, c, d);
    const sum = (a + f + SINES[i] + words[word]) | 0;
    const shift = SHIFTS[round][i % 4];
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
}

// The round's function of three words, and which word of the block it takes.
function step(round, i, b, c, d) {
  if (round === 0) return [(b & c) | (~b & d), i];
  if (round === 1) return [(b & d) | (c & ~d), (5 * i + 1) % 16];
  if (round === 2) return [b ^ c ^ d, (3 * i + 5) % 16];
  return [c ^ (b | ~d), (7 * i) % 16];
}

function littleEndianHex(word) {
  let hex = '';
  for (let shift = 0; shift < 32; shift += 8) {
    hex += ((word >>> shift) & 0xff).toString(16).padStart(2, '0');
  }
  return hex;
}
